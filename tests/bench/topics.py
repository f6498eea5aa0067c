"""How often the topic that a build tells of a text is that of a card its label accepts.

python tests/bench/topics.py HOME FILE [SPLIT]
"""

from __future__ import annotations

import sys
from pathlib import Path

from ingest.build.topics import Topics
from kb.documents import Document, Post
from kb.evaluation.questions import read_questions
from kb.matching.question import Text
from kb.snapshot import open_current


def main(home: str, file: str, *splits: str) -> None:
    """Print how many texts of ours get a topic, how many a right one, and how many of others get any."""
    snapshot = open_current(Path(home))
    topics = Topics(snapshot.classifier, snapshot.cards.values(), snapshot.signals)
    of_card = {id: card.topic for id, card in snapshot.cards.items()}
    ours, told, right, foreign, taken = 0, 0, 0, 0, 0
    for q in read_questions(Path(file), *splits):
        thread = Document(q.id, "tag", "thread", "", (Post("question", q.query),))
        topic = topics.of(thread, Text(q.query, snapshot).vector)
        ours, foreign = ours + bool(q.expect), foreign + (not q.expect)
        told, taken = told + bool(q.expect and topic), taken + bool(topic and not q.expect)
        right += topic in {of_card[id] for id in q.expect}
    print(f"of {ours} that are ours {told / ours:.3f} get a topic, {right / max(told, 1):.3f} of those a right one")
    print(f"of {foreign} that are not {taken / max(foreign, 1):.3f} get one")


if __name__ == "__main__":
    main(*sys.argv[1:])
