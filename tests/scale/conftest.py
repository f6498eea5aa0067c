"""A Milvus server for a session, and a data directory whose snapshot has its vectors there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.build import build
from tests.scale.servers import Milvus


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    """The server."""
    server = Milvus(tmp_path_factory.mktemp("milvus") / "server")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def milvus_home(home: Path, milvus: Milvus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's data directory, built once more with the documents' vectors on the server."""
    copy = tmp_path_factory.mktemp("on-milvus") / "home"
    shutil.copytree(home, copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEKB_VECTORS", milvus.url)
        patch.setenv("NEKB_VECTORS_TOKEN", milvus.token)
        build(copy)
    return copy


@pytest.fixture
def on_milvus(milvus: Milvus, monkeypatch: pytest.MonkeyPatch) -> Milvus:
    """The settings of a replica of that server."""
    monkeypatch.setenv("NEKB_VECTORS", milvus.url)
    monkeypatch.setenv("NEKB_VECTORS_TOKEN", milvus.token)
    return milvus
