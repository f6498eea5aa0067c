"""`nekb serve` at its start: what can never work is said before anything is announced."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from api.cli.main import cli
from api.http.listening import check_name, check_origin, listening, shown
from api.http.server import _OfLibraries
from api.records.keys import SCOPES
from api.records.retention import retention_days
from kb.errors import BadInputError
from tests.api.conftest import Start, logged, running


def assert_refused(home: Path, code: str, *options: str) -> None:
    """`nekb serve` ends with an error of this code, and announces nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "serve", "--port", "8799", *options],
        env=os.environ | {"NEKB_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert f"[{code}]" in done.stderr
    assert "nekb answers" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--host", "203.0.113.9"], "listen"),
        (["--host", "no.such.host.invalid"], "listen"),
        (["--rate", "0/minute"], "bad_input"),
        (["--rate", "often"], "bad_input"),
        (["--origin", "http://app.example/"], "origin"),
        (["--origin", "garbage"], "origin"),
        (["--public-name", "https://nekb.test/"], "public_name"),
    ],
)
def test_what_can_never_work_is_refused_with_a_remedy(own_home: Path, options: list[str], code: str) -> None:
    assert_refused(own_home, code, *options)


@pytest.mark.parametrize("command", ["serve", "slack"])
@pytest.mark.parametrize("days", ["ninety", "0", "-1", "1" * 5_000])
def test_how_long_questions_are_kept_is_known_before_any_is_asked(
    command: str, days: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEKB_RETENTION_DAYS", days)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, "x")
    with pytest.raises(BadInputError, match="NEKB_RETENTION_DAYS"):
        CliRunner().invoke(cli, [command], catch_exceptions=False)


def test_an_empty_number_of_days_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_RETENTION_DAYS", "")
    assert retention_days() == 90


@pytest.mark.slow
def test_nothing_is_announced_that_cannot_keep_its_records(own_home: Path) -> None:
    (own_home / "records.db").unlink(missing_ok=True)
    (own_home / "records.db").mkdir()
    assert_refused(own_home, "database")


def test_a_busy_port_is_told() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(BadInputError, match="already") as refused:
            listening("127.0.0.1", busy.getsockname()[1])
    assert refused.value.code == "listen"


def test_forms_of_names_and_origins() -> None:
    assert shown("::1", 9230) == "[::1]:9230"
    assert check_origin("HTTPS://App.Example:8443") == "https://app.example:8443"
    assert check_origin("http://[::1]:3000") == "http://[::1]:3000"
    assert check_name("Nekb.Example.com") == "nekb.example.com"
    assert check_name("[::1]") == "::1"
    for wrong in ("https://app.example:443", "https://", "null", "*", "https://*", "https://a.example/x", "http://[x"):
        with pytest.raises(BadInputError):
            check_origin(wrong)
    for wrong in ("", "nekb.test:8765", "nekb.test/", "a b", "http://nekb.test"):
        with pytest.raises(BadInputError):
            check_name(wrong)


def test_a_key_can_be_made_for_every_scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_HOME", str(tmp_path))
    for scope in SCOPES:
        done = CliRunner().invoke(cli, ["keys", "create", scope, "--scope", scope])
        assert done.exit_code == 0, done.output


def test_what_a_task_failed_with_is_not_logged() -> None:
    async def forgotten() -> None:
        async def work() -> None:
            raise ValueError("a secret question")

        asyncio.create_task(work())  # noqa: RUF006 - nobody waits for it
        await asyncio.sleep(0)

    handler = _OfLibraries(logging.WARNING)
    logging.getLogger("asyncio").addHandler(handler)
    try:
        with capture_logs() as lines:
            asyncio.run(forgotten())
            gc.collect()
    finally:
        logging.getLogger("asyncio").removeHandler(handler)
    assert [line["said"] for line in lines] == ["Task exception was never retrieved"]
    assert lines[0]["error"] == "ValueError"
    assert "secret" not in str(lines)


@pytest.mark.slow
def test_what_libraries_log_is_json_too(own_home: Path, tmp_path: Path) -> None:
    with running(own_home, tmp_path) as client:
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as raw:
            raw.sendall(b"GARBAGE\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        client.post("/mcp", json={"secret": "xyzzy"}, headers={"accept": "application/json, text/event-stream"})
    first, *lines = logged(tmp_path).splitlines()
    assert first.startswith("nekb answers on http://127.0.0.1:")
    events = [json.loads(line) for line in lines]
    assert any(e.get("logger") == "uvicorn.error" and e["level"] == "warning" for e in events)
    assert "xyzzy" not in str(events)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    """The watch for new snapshots logs what it opens; a full disk ended it, and an old one answered for ever."""
    run = (
        "import logging, structlog\n"
        "from api.http.server import configure_logs\n"
        "configure_logs()\n"
        "for _ in range(2):\n"
        "    structlog.get_logger('ours').info('line')\n"
        "    logging.getLogger('theirs').warning('line')\n"
        "print('went on', flush=True)\n"
    )
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", run], stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert done.stdout == "went on\n"


@pytest.mark.slow
def test_a_check_that_finds_all_well_writes_no_line(own_home: Path, tmp_path: Path) -> None:
    """A proxy asks every other second: the log of a day would be little else."""
    with running(own_home, tmp_path) as client:
        client.get("/healthz")
        client.get("/guidance")
        client.post("/readyz")
        counted = client.get("/metrics").text
    lines = logged(tmp_path).splitlines()[1:]
    told = [(e["route"], e["status"]) for e in map(json.loads, lines) if e["event"] == "request"]
    assert told == [("/guidance", 200), ("/readyz", 405), ("/metrics", 200)]
    assert 'route="/healthz",status="200"} 1.0' in counted


@pytest.mark.slow
def test_what_another_server_is_told_by_the_environment_changes_nothing(serving: Start, tmp_path: Path) -> None:
    """Those of gunicorn's, which may stand for every service of a machine."""
    elsewhere = {"WEB_CONCURRENCY": "auto", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "gone")}
    client = serving(environment=elsewhere)
    assert client.get("/v1/ask", params={"query": "code 8 hotspot"}).status_code == 200
    assert 'nekb_answers_total{outcome="answered",surface="http"} 1.0' in client.get("/metrics").text


_ONE_WORKER_OF_THREE_IS_LEFT = """
import os
from api.http import metrics
from kb import milvus

ended = []
for server_is_away in (1, 1, 0):
    if (pid := os.fork()) == 0:
        milvus.OPEN.set(server_is_away)
        milvus.UNAVAILABLE.labels("unreachable").inc()
        os._exit(0)
    os.waitpid(pid, 0)
    ended.append(pid)
print(metrics.told().decode())
for pid in ended[:2]:
    metrics.forget(pid)
print(metrics.told().decode())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_a_worker_that_ended_does_not_hold_the_vector_server_to_be_away(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ONE_WORKER_OF_THREE_IS_LEFT],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("nekb_vectors_")]
    assert [line for line in told if "circuit_open" in line] == [
        "nekb_vectors_circuit_open 1.0",
        "nekb_vectors_circuit_open 0.0",
    ]
    assert told.count('nekb_vectors_unavailable_total{reason="unreachable"} 3.0') == 2
