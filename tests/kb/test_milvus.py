"""The settings of a vector server, its expressions, and answers while it is away. No server is needed here."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.asking import ask
from kb.errors import BadInputError, SnapshotError, VectorsUnavailableError
from kb.filters import Filters
from kb.milvus import configured, expression, open_collection
from kb.search import search
from kb.snapshot import Snapshot

QUERY = "NEHotspotConfigurationManager apply returns internal error, code 8"


def test_addresses_are_read_and_tokens_stay_out_of_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEKB_VECTORS", raising=False)
    assert configured() is None
    monkeypatch.setenv("NEKB_VECTORS", "milvus+tls://vectors.example.com")
    monkeypatch.setenv("NEKB_VECTORS_TOKEN", "root:do-not-show")
    found = configured()
    assert found is not None
    assert (found.uri, found.token) == ("https://vectors.example.com:19530", "root:do-not-show")
    assert "do-not-show" not in repr(found)
    monkeypatch.setenv("NEKB_VECTORS", "milvus://[::1]:1234")
    found = configured()
    assert found is not None
    assert found.uri == "http://[::1]:1234"


@pytest.mark.parametrize(
    "raw", ["localhost:19530", "http://x:1", "milvus://", "milvus://x:99999", "milvus://x/db", "milvus://root:pw@x:1"]
)
def test_what_is_no_address_is_refused_without_being_shown(raw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEKB_VECTORS", raw)
    with pytest.raises(BadInputError) as caught:
        configured()
    assert "pw" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize(
    ("vectors", "authority", "said"),
    [("milvus+tls://x:1", "/nowhere/ca.pem", "/nowhere/ca.pem"), ("milvus://x:1", __file__, "no TLS")],
)
def test_an_authority_that_would_not_be_asked_is_said(
    vectors: str, authority: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEKB_VECTORS", vectors)
    monkeypatch.setenv("NEKB_VECTORS_CA", authority)
    with pytest.raises(BadInputError, match=said):
        configured()


def test_a_snapshot_on_a_server_says_what_is_missing_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEKB_VECTORS", raising=False)
    with pytest.raises(SnapshotError, match="NEKB_VECTORS"):
        open_collection("nekb_0123456789abcdef")


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_no_value_breaks_out_of_an_expression(topic: str, platform: str, since: str) -> None:
    made = expression(Filters(topic=topic, platform=platform, since=since, accepted=True))
    part = r'(topic == "[A-Za-z0-9 ._:-]+"|array_contains\(platforms, "[A-Za-z0-9 ._:-]+"\)|day >= "[A-Za-z0-9 ._:-]+")'
    assert re.fullmatch(rf"({part} and )*accepted == true", made)


class Away:
    """Vectors on a server that does not answer."""

    def search(self, *_: Any) -> list[tuple[int, float]]:
        raise VectorsUnavailableError("timeout", "The vector server did not answer within 1 s.")


def test_without_vectors_the_cards_answer_and_words_find_the_threads(snapshot: Snapshot) -> None:
    whole = ask(QUERY, snapshot)
    held = Snapshot(snapshot.folder)
    held.documents.vectors = Away()
    answer = ask(QUERY, held)
    assert (whole.degraded, whole.degraded_reason) == (False, None)
    assert (answer.degraded, answer.degraded_reason) == (True, "The vector server did not answer within 1 s.")
    assert answer.guidance == whole.guidance
    assert (answer.outcome, answer.confidence) == (whole.outcome, whole.confidence)
    assert answer.threads
    assert answer.threads[0].id == whole.threads[0].id
    found = search(QUERY, held, Filters(), 3)
    assert found.documents, "a search goes on by words"
    assert found.degraded_reason
