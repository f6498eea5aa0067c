"""What Prometheus sees."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("nekb_requests_total", "Requests by route and status.", ("route", "status"))
SECONDS = Histogram(
    "nekb_request_seconds",
    "Time of a request by route.",
    ("route",),
    buckets=(0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OUTCOMES = Counter("nekb_answers_total", "Answers by outcome and surface.", ("outcome", "surface"))
SNAPSHOT = Gauge("nekb_snapshot_info", "The snapshot that answers.", ("id",))
