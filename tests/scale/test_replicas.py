"""Two replicas under load while the snapshot is switched: no failed answer, and none that mixes two builds."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from ingest.build.snapshots import activate, snapshots
from kb.asking import ask
from kb.snapshot import Snapshot
from tests.api.conftest import Start, serving  # noqa: F401 - a fixture
from tests.scale.servers import Milvus

pytestmark = pytest.mark.slow
QUERY = "NEHotspotConfigurationManager apply returns internal error, code 8"
SWITCHES = 4


def _content(answer: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in answer.items() if key != "took_ms"}


def test_two_replicas_through_switches_of_snapshot(
    milvus_home: Path,
    on_milvus: Milvus,
    tmp_path: Path,
    serving: Start,  # noqa: F811
) -> None:
    home = tmp_path / "both"
    shutil.copytree(milvus_home, home)
    ids = [s.id for s in snapshots(home)][:2]
    assert len(ids) == 2
    expected = {id: _content(ask(QUERY, Snapshot(home / "snapshots" / id)).to_dict()) for id in ids}
    assert not any(e["degraded"] for e in expected.values())
    replicas = [serving("--rate", "100000/minute", home=home) for _ in range(2)]
    seen: list[tuple[int, dict[str, object]]] = []
    over = threading.Event()

    def load(at: int) -> None:
        while not over.is_set():
            response = replicas[at].post("/v1/ask", json={"query": QUERY})
            seen.append((response.status_code, response.json()))

    threads = [threading.Thread(target=load, args=(at % 2,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for switch in range(SWITCHES):
        activate(home, ids[(switch + 1) % 2])
        time.sleep(6)
    over.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in seen} == {200}
    answered = [body["snapshot"]["id"] for _, body in seen]  # type: ignore[index]
    assert set(answered) == set(ids), "each build answered for a while"
    for (_, body), id in zip(seen, answered, strict=True):
        assert _content(body) == expected[id]
