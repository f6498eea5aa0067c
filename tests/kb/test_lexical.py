"""Terms: identifiers are found whole and in parts, other scripts too."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import SnapshotError
from kb.lexical import LexicalIndex, terms, write_lexical
from tests.ingest.test_room import small_disk


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("NEVPNErrorDomain", {"nevpnerrordomain", "error", "domain"}),
        ("includeAllNetworks", {"includeallnetwork", "includ", "all", "network"}),
        ("com.apple.networkextension", {"com.apple.networkextens", "networkextens", "appl"}),
        ("packet-tunnel-provider", {"packet-tunnel-provid", "packet", "tunnel"}),
        ("Code=-1009", {"code", "1009"}),
        ("热点错误", {"热点", "点错", "错误"}),
        ("не работает", {"не", "работает"}),
    ],
)
def test_terms(text: str, wanted: set[str]) -> None:
    assert wanted <= set(terms(text))


@given(st.text())
def test_any_text_has_terms_without_spaces(text: str) -> None:
    assert all(t and not t.isspace() and " " not in t for t in terms(text))


def test_the_passage_with_the_identifier_is_first(tmp_path: Path) -> None:
    write_lexical(
        tmp_path / "lexical",
        [
            ("Errors", "a general word on errors of a domain"),
            ("Sleep", "NEVPNErrorDomain is what you get"),
            ("Other", "a hotspot and a filter"),
        ],
    )
    index = LexicalIndex(tmp_path / "lexical")
    assert index.search(terms("NEVPNErrorDomain"), 3)[0][0] == 1
    assert index.search([], 3) == []
    assert index.search(terms("zebra"), 3) == []


@given(text=st.text(max_size=60))
def test_no_query_raises(text: str, two_passages: LexicalIndex) -> None:
    assert all(score > 0 for _, score in two_passages.search(terms(text), 5))


@pytest.fixture(scope="module")
def two_passages(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder = tmp_path_factory.mktemp("two") / "lexical"
    write_lexical(folder, [("Title", "some text about a tunnel"), ("", "NEFilterDataProvider drop verdict")])
    return LexicalIndex(folder)


def test_among_many_passages_terms_that_are_everywhere_are_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lexical(tmp_path / "lexical", [("", f"the tunnel {'drops' if at == 7 else f'word{at}'}") for at in range(20)])
    index = LexicalIndex(tmp_path / "lexical")
    asked = terms("the tunnel drops the tunnel")
    assert index.telling(asked) == terms("the tunnel drops")  # of so few passages all terms are looked for
    monkeypatch.setattr("kb.lexical.EVERY_TERM_UP_TO", 10)
    assert index.telling(asked) == terms("drops")
    assert index.search(asked, 5)[0][0] == 7
    assert index.telling(terms("the tunnel")) == terms("the tunnel"), "a question of nothing else is asked as it is"
    assert max(index.shares(asked, 5).values()) == index.shares(asked, 5)[7]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4 << 20) as mounted:
        folder = tmp_path / "disk" / "lexical"
        write_lexical(folder, [("", "hotspot error")])
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        else:
            folder.chmod(0o500)
        try:
            if os.access(folder, os.W_OK):
                pytest.skip("nothing keeps this user from writing")
            with pytest.raises(SnapshotError, match="must be writable"):
                LexicalIndex(folder)
        finally:
            if not mounted:
                folder.chmod(0o700)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_who_may_read_the_rest_of_a_snapshot_may_read_its_index(tmp_path: Path, mask: int, mode: int) -> None:
    """A web server that hands snapshots on to replicas is another user than the one who built them."""
    before = os.umask(mask)
    try:
        write_lexical(tmp_path / "some", [("Title", "some text about a tunnel")])
        write_lexical(tmp_path / "none", [])
    finally:
        os.umask(before)
    files = [path for folder in ("some", "none") for path in (tmp_path / folder).iterdir()]
    assert {"meta.json", ".managed.json"} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {mode}
