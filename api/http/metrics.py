"""What Prometheus sees. Several workers count in files of a folder that `PROMETHEUS_MULTIPROC_DIR` names."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from kb.answer import Answer

REQUESTS = Counter("nekb_requests_total", "Requests by route and status.", ("route", "status"))
SECONDS = Histogram(
    "nekb_request_seconds",
    "Time of a request by route.",
    ("route",),
    buckets=(0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OUTCOMES = Counter("nekb_answers_total", "Answers by outcome and surface.", ("outcome", "surface"))


def count(answer: Answer, surface: str) -> None:
    """Count an answer under its outcome and the surface that gave it."""
    OUTCOMES.labels(answer.outcome, surface).inc()


def told() -> bytes:
    """The metrics of every worker as text."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget(pid: int) -> None:
    """Tell no longer how things stand for a worker that has ended; what it counted goes on counting."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
