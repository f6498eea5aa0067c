"""What a watch is given in tests: threads, a judgement without a snapshot, a target that does what it is told."""

from __future__ import annotations

from typing import Any

from api.records import deliveries
from api.triage.targets import SendError
from kb.answer import SnapshotInfo
from kb.documents import Document, Post
from kb.triage import Triage, TriagedThread


def judged(document: Document) -> Triage:
    thread = TriagedThread(id=document.id, title=document.title, url=document.url, author=None, created=None)
    return Triage(
        thread=thread, topic="relay", outcome="no_match", confidence=0, route="out_of_scope", signals=[], cards=[],
        duplicates=[], left_out=[], draft=None, snapshot=SnapshotInfo(id="-", built_at="-", documents=0, model="-"),
    )  # fmt: skip


def thread(number: int, title: str = "Tunnel") -> Document:
    address = f"https://developer.apple.com/forums/thread/{number}"
    return Document(f"thread-{number}", "feed", "thread", title, (Post("question", "It is quiet."),), address)


class Recorder:
    """A target that does what it is told."""

    key = "recorder"

    def __init__(self) -> None:
        self.got: list[tuple[str, bool]] = []
        self.fail: SendError | None = None

    def send(self, delivery: deliveries.Delivery, message: dict[str, Any]) -> None:
        if self.fail:
            raise self.fail
        self.got.append((message["key"], delivery.in_doubt))
