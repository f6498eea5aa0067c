"""What a build reads: the catalogue's entries stand in for threads, and what they know is not lost to a poorer copy."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from ingest.build.inputs import merge_catalogue
from kb.documents import Document, Post
from tests.ingest.pages import HOST

ADDRESS = f"{HOST}/forums/thread/9"
ENTRY = Document(
    "tag-kettles", "catalogue", "resource", "Kettle Resources", (Post("question", "All.", apple=True),), url=ADDRESS
)
ROW = Document("row-1", "dump", "thread", "Kettle  resources", (Post("question", "General: kettles."),))


def test_a_row_without_an_address_has_that_of_its_entry_with_its_kind_and_mark() -> None:
    (merged,) = merge_catalogue([ENTRY], [ROW])
    assert (merged.id, merged.url, merged.kind, merged.apple_replied) == ("row-1", ADDRESS, "resource", True)
    assert merged.posts[0].body == "General: kettles."


def test_a_listing_says_of_nobody_that_he_is_apples_and_a_page_does() -> None:
    (listed,) = merge_catalogue([ENTRY], [replace(ROW, url=ADDRESS)])
    assert (listed.kind, listed.apple_replied) == ("resource", True)
    page = replace(ROW, url=ADDRESS, posts=(Post("question", "Mine.", id="1", author="teapot"),))
    assert merge_catalogue([ENTRY], [page]) == [page]


def test_a_thread_has_the_topic_of_its_entry_and_not_the_forums_own() -> None:
    entry = replace(ENTRY, topic="relay")
    page = replace(ROW, url=ADDRESS, topic="Networking", posts=(Post("question", "Mine.", id="1"),))
    for document in (page, replace(ROW, topic="Networking")):
        assert merge_catalogue([entry], [document])[0].topic == "relay"


def test_a_thread_that_was_renamed_stands_once() -> None:
    """Its address says which it is: an entry of another title would be cited beside it, under the same address."""
    page = replace(ROW, url=ADDRESS, title="Kettle and Teapot Resources", posts=(Post("question", "All.", id="1"),))
    assert merge_catalogue([ENTRY], [page]) == [page]


def test_another_place_another_host_and_another_kind_displace_nothing() -> None:
    others = [
        replace(ROW, url=f"{HOST}/forums/thread/8"),
        replace(ROW, id="unverified-1", source="unverified host"),
        replace(ROW, id="doc-kettles", kind="documentation", posts=(Post("article", "x"),)),
    ]
    for other in others:
        assert merge_catalogue([ENTRY], [other]) == sorted([other, ENTRY], key=lambda d: d.id)


def test_tables_are_written_alike_by_every_process() -> None:
    """A replica fetches no file again of which nothing changed."""
    code = (
        "import json\nfrom kb.home import shipped_data\nfrom kb.signals.compiling import compile_tables\n"
        "print(json.dumps(compile_tables(shipped_data())))"
    )
    ran = [
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, stdout=-1)
        for seed in ("1", "2")
    ]
    assert ran[0].stdout == ran[1].stdout
