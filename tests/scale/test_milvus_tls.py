"""A Milvus server behind TLS: an authority of one's own is trusted where it is named, and nobody else is."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trustme

from ingest.build import build
from kb.asking import ask
from kb.errors import VectorsUnavailableError
from kb.milvus import Connection, MilvusVectors, configured, connection
from kb.snapshot import open_current
from tests.scale.made import QUERY
from tests.scale.servers import Between, Milvus

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Secured:
    """The session's server behind TLS: the address, and the file of the authority that vouches for it."""

    url: str
    authority: Path


@pytest.fixture(scope="module")
def secured(milvus: Milvus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A relay that takes TLS with a certificate of an authority made for the test, and talks to the server plainly."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert("127.0.0.1").configure_cert(context)
    relay = Between(milvus.port, context)
    yield Secured(f"milvus+tls://127.0.0.1:{relay.port}", file)
    relay.close()


@pytest.fixture
def by_tls(secured: Secured, milvus: Milvus, monkeypatch: pytest.MonkeyPatch) -> Secured:
    """The settings of a replica that reaches the server by TLS alone."""
    monkeypatch.setenv("NEKB_VECTORS", secured.url)
    monkeypatch.setenv("NEKB_VECTORS_TOKEN", milvus.token)
    monkeypatch.setenv("NEKB_VECTORS_CA", str(secured.authority))
    return secured


def refused() -> VectorsUnavailableError:
    """What a search over the configured address is told."""
    address = configured()
    assert address is not None
    with pytest.raises(VectorsUnavailableError) as caught:
        MilvusVectors(Connection(address), "any").search(np.full(384, 384**-0.5, dtype=np.float32), 1)
    return caught.value


def test_a_build_and_an_answer_go_through_tls_with_a_token(home: Path, by_tls: Secured, tmp_path: Path) -> None:
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    build(copy)
    held = open_current(copy)
    assert held.manifest.collection is not None
    answer = ask(QUERY, held)
    assert not answer.degraded
    assert answer.threads
    connection.cache_clear()


def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    by_tls: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("NEKB_VECTORS_CA", str(other))
    assert refused().reason in ("unreachable", "timeout")
    monkeypatch.delenv("NEKB_VECTORS_CA")
    assert refused().reason in ("unreachable", "timeout"), "those that the system trusts do not vouch for it either"


@pytest.mark.parametrize("token", ["", "root:not-the-password"])
def test_without_the_right_token_nobody_gets_in_and_it_is_not_shown(
    token: str, by_tls: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEKB_VECTORS_TOKEN", token)
    error = refused()
    assert error.reason == "refused"
    assert "not-the-password" not in f"{error} {error.sentence} {error.remedy}"
