"""Two replicas under load while the snapshot is switched: no failed answer, and none that mixes two builds."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.records.database import open_database
from api.records.keys import create_key
from ingest.build import build
from ingest.build.snapshots import activate, snapshots
from ingest.importing import import_files
from kb.asking import ask
from kb.snapshot import Snapshot
from tests.api.conftest import Start, serving  # noqa: F401 - a fixture
from tests.ingest.pages import Post, Thread
from tests.scale.made import QUERY
from tests.scale.servers import Milvus

pytestmark = pytest.mark.slow
QUERIES = (QUERY, "the purple tunnel carries nothing after the cat sleeps")
SWITCHES = 3
WITHIN = 60  # seconds that a replica may take to answer from what was published
Content = dict[str, object]


def _content(answer: Content) -> Content:
    return {key: value for key, value in answer.items() if key != "took_ms"}


def _expected(home: Path, ids: list[str]) -> dict[tuple[str, str], Content]:
    """What each snapshot says to each question, asked with no server between."""
    opened = {id: Snapshot(home / "snapshots" / id) for id in ids}
    said = {(id, query): _content(ask(query, held).to_dict()) for id, held in opened.items() for query in QUERIES}
    assert not any(content["degraded"] for content in said.values())
    return said


class Load:
    """Two threads a replica that ask without a pause; every status and body is kept."""

    def __init__(self, replicas: list[httpx.Client]) -> None:
        self._replicas = replicas
        self._over = threading.Event()
        self.seen: list[tuple[int, int, Content]] = []

    def ids(self, replica: int, since: int) -> set[str]:
        """The snapshots that a replica answered from, after so many answers of all."""
        return {str(body["snapshot"]["id"]) for at, _, body in self.seen[since:] if at == replica}  # type: ignore[index]

    def _ask(self, replica: int) -> None:
        asked = 0
        while not self._over.is_set():
            asked += 1
            body = {"query": QUERIES[asked % len(QUERIES)]}
            response = self._replicas[replica].post("/v1/ask", json=body)
            self.seen.append((replica, response.status_code, response.json()))

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        """Ask until the block ends."""
        threads = [threading.Thread(target=self._ask, args=(at % len(self._replicas),)) for at in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def require(self, expected: dict[tuple[str, str], Content]) -> None:
        """Every answer is what its snapshot says, and each of the snapshots answered."""
        assert {status for _, status, _ in self.seen} == {200}
        assert {body["snapshot"]["id"] for _, _, body in self.seen} == {id for id, _ in expected}  # type: ignore[index]
        for _, _, body in self.seen:
            assert _content(body) == expected[body["snapshot"]["id"], body["query"]]  # type: ignore[index]


def test_two_replicas_through_switches_of_snapshot(
    milvus_home: Path,
    on_milvus: Milvus,
    tmp_path: Path,
    serving: Start,  # noqa: F811
) -> None:
    home = tmp_path / "both"
    shutil.copytree(milvus_home, home)
    ids = [s.id for s in snapshots(home)][:2]
    expected = _expected(home, ids)
    replicas = [serving("--rate", "100000/minute", home=home) for _ in range(2)]
    with Load(replicas).running() as load:
        for switch in range(SWITCHES):
            activate(home, ids[(switch + 1) % 2])
            time.sleep(6)
    load.require(expected)


@pytest.fixture
def origin(milvus_home: Path, on_milvus: Milvus, tmp_path: Path) -> Iterator[Path]:
    """A data directory with two builds of different documents, both on the server; the older one answers."""
    home = tmp_path / "origin"
    shutil.copytree(milvus_home, home)
    older = (home / "current").read_text().strip()
    question = Post(1, f"<p>{QUERIES[0]}. {QUERIES[1]}.</p>", question=True)
    for number in range(3):
        page = tmp_path / f"{number}.html"
        page.write_text(Thread(number=800101 + number, title=f"{QUERIES[1]} ({number})", question=question).html())
        import_files(home, [page])
    build(home)
    activate(home, older)
    yield home
    activate(home, older)


@contextlib.contextmanager
def _pulling(home: Path, address: str, key: str, log: Path) -> Iterator[None]:
    """`nekb snapshots pull --every 1` beside a replica, which is begun once there is a snapshot to answer from."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "snapshots", "pull", address, "--every", "1"],
            env=os.environ | {"NEKB_HOME": str(home), "NEKB_SNAPSHOTS_KEY": key},
            stdout=file,
            stderr=file,
        )
    try:
        deadline = time.monotonic() + WITHIN
        while not (home / "current").exists():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait(timeout=30)


def test_two_replicas_that_pull_through_switches_of_snapshot(
    origin: Path,
    tmp_path: Path,
    serving: Start,  # noqa: F811
) -> None:
    newer, older = (s.id for s in snapshots(origin)[:2])
    expected = _expected(origin, [newer, older])
    for query in QUERIES:
        assert expected[newer, query]["threads"] != expected[older, query]["threads"], "a mixed answer would be seen"
    source = serving("--rate", "100000/minute", home=origin)
    _, key = create_key(open_database(origin), "replicas", ("snapshots",))
    address = f"{str(source.base_url).rstrip('/')}/v1/snapshots"
    homes = [tmp_path / f"replica-{at}" for at in range(2)]
    with contextlib.ExitStack() as pulls:
        for home in homes:
            pulls.enter_context(_pulling(home, address, key, tmp_path / f"{home.name}.log"))
        replicas = [serving("--rate", "100000/minute", home=home) for home in homes]
        with Load(replicas).running() as load:
            for id in (newer, older, newer):
                since = len(load.seen)
                activate(origin, id)
                deadline = time.monotonic() + WITHIN
                while not all(id in load.ids(at, since) for at in range(2)):
                    assert time.monotonic() < deadline, [p.read_text() for p in tmp_path.glob("replica-*.log")]
                    time.sleep(0.2)
    load.require(expected)
