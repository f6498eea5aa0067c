"""Triage: what a moderator wants to know of one new thread before anybody answers it.

It rests on the same answer as every question. What it adds: threads that may be the same question, what the poster
left out, and a draft reply for a person to edit. Nothing here is sent to the forum, by anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kb.answer import Answer, Outcome, RouteKind, Signal, SnapshotInfo
from kb.asking import ask
from kb.contract import Contract
from kb.documents import Document, fold
from kb.drafting import draft_reply
from kb.guidance.references import with_titles
from kb.matching.question import Question
from kb.matching.threads import RankedThread, rank_threads
from kb.resources import address_of
from kb.snapshot import Snapshot

# Of the 19 threads of one page of the tag, each a question of its own, no two came nearer than a score of 0.39; a
# thread comes to 0.72 or more with itself.
ALIKE = 0.45  # score from which the wording alone says "the same question"
RELATED = 0.33  # from which a shared error says it
_DEPTH = 8
_SHOWN = 4
_LIKELY_CARD = 0.05
_ESSENTIAL = (
    ("os", "Which OS version, on which device?"),
    ("error", "Which error, with its domain and code, or which log lines stand around the failure?"),
)
_SAYS_AS_MUCH = {"os": ("os",), "error": ("error", "log")}


@dataclass(frozen=True, kw_only=True)
class TriagedThread(Contract):
    """The thread itself. Title and author are the poster's words."""

    id: str
    title: str
    url: str | None
    author: str | None
    created: str | None


@dataclass(frozen=True, kw_only=True)
class LikelyCard(Contract):
    """A guidance card that may answer the thread, with its probability."""

    id: str
    title: str
    url: str
    probability: float
    why: list[str]


@dataclass(frozen=True, kw_only=True)
class Duplicate(Contract):
    """Another thread that may ask the same; `likely` says whether nekb would call it a duplicate, `why` why."""

    id: str
    title: str
    url: str
    score: float
    likely: bool
    why: list[str]
    apple_replied: bool
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class LeftOut(Contract):
    """Something that the poster did not say. `checked` is false where no machine can tell whether it was said."""

    question: str
    signal: str | None
    checked: bool
    changes_answer: bool = field(metadata={"description": "True where another value would lead to another card."})


@dataclass(frozen=True, kw_only=True)
class Triage(Contract):
    """One thread, judged. `draft` is Markdown for a person to edit, and None where nekb has nothing to say."""

    thread: TriagedThread
    topic: str | None
    outcome: Outcome
    confidence: float
    route: RouteKind
    signals: list[Signal]
    cards: list[LikelyCard]
    duplicates: list[Duplicate]
    left_out: list[LeftOut]
    draft: str | None
    snapshot: SnapshotInfo


def triage(document: Document, snapshot: Snapshot) -> Triage:
    """Judge a thread by what its poster wrote. Raises `BadInputError` where that cannot be read."""
    text = posters_words(document)
    answer = ask(text, snapshot)
    question = Question(text, snapshot, {})
    duplicates = likely_duplicates(document, question)
    left_out = what_is_left_out(answer, snapshot, question)
    asked = document.question
    return Triage(
        thread=TriagedThread(
            id=document.id,
            title=document.title,
            url=document.url,
            author=asked.author if asked else None,
            created=asked.created if asked else None,
        ),
        topic=answer.guidance[0].topic if answer.guidance else None,
        outcome=answer.outcome,
        confidence=answer.confidence,
        route=answer.route,
        signals=answer.signals,
        cards=_cards(answer),
        duplicates=duplicates,
        left_out=left_out,
        draft=draft_reply(
            with_titles(answer, snapshot.cards),
            [item.question for item in left_out if item.checked],
            [(d.title, d.url) for d in duplicates if d.likely],
        ),
        snapshot=answer.snapshot,
    )


def posters_words(document: Document) -> str:
    """Title, question, and what the same author added in later replies."""
    asked = document.question
    if asked is None:
        return document.title
    others = [p for p in document.posts if p is not asked]
    added = [p.body for p in others if asked.author and p.author == asked.author and not p.apple]
    return "\n\n".join((document.title, asked.body, *added))


def likely_duplicates(document: Document, question: Question) -> list[Duplicate]:
    """Threads near to this one, the likely duplicates first. The thread itself is never among them."""
    errors = _errors(question.signals)
    found = []
    for near in rank_threads(question, _DEPTH):
        if _same_thread(document, near) or near.score < RELATED or near.head.kind not in ("thread", "feed-item"):
            continue
        why = [f"very alike wording ({near.score:.2f})"] if near.score >= ALIKE else []
        why += [f"the same error, {e}" for e in sorted(errors & _errors_of(near, question.snapshot))]
        found.append(_duplicate(near, why))
    found.sort(key=lambda d: (not d.likely, -d.score))
    return found[:_SHOWN]


def _same_thread(document: Document, near: RankedThread) -> bool:
    head = near.head
    if head.id == document.id or (document.url is not None and head.url == document.url):
        return True
    return (document.url is None or head.url is None) and fold(head.title) == fold(document.title)


def _errors(signals: list[Signal]) -> set[str]:
    return {f"{s.domain} {s.code}" for s in signals if s.kind == "error" and s.domain and s.code is not None}


def _errors_of(near: RankedThread, snapshot: Snapshot) -> set[str]:
    document = snapshot.document(near.head.id)
    return _errors(Question(posters_words(document), snapshot, {}).signals) if document else set()


def _duplicate(near: RankedThread, why: list[str]) -> Duplicate:
    head = near.head
    return Duplicate(
        id=head.id,
        title=head.title,
        url=address_of(head),
        score=round(near.score, 4),
        likely=bool(why),
        why=why,
        apple_replied=bool(head.apple_replied),
        accepted=bool(head.accepted),
    )


def what_is_left_out(answer: Answer, snapshot: Snapshot, question: Question) -> list[LeftOut]:
    """What would change the answer, then what the likely card asks for, then the essentials; each once."""
    named = question.named()
    out = [LeftOut(question=m.question, signal=m.signal, checked=True, changes_answer=True) for m in answer.missing]
    if answer.guidance:
        for asked in snapshot.cards[answer.guidance[0].id].ask_for:
            if asked.signal is None or asked.signal not in named:
                checked = asked.signal is not None
                out.append(LeftOut(question=asked.question, signal=asked.signal, checked=checked, changes_answer=False))
    for essential, words in _ESSENTIAL if answer.guidance or answer.signals else ():
        if not any(kind in named for kind in _SAYS_AS_MUCH[essential]):
            out.append(LeftOut(question=words, signal=essential, checked=True, changes_answer=False))
    once: dict[str, LeftOut] = {}
    for item in out:
        once.setdefault(item.signal or item.question, item)
    return sorted(once.values(), key=lambda item: not item.checked)


def _cards(answer: Answer) -> list[LikelyCard]:
    return [
        LikelyCard(id=g.id, title=g.title, url=g.url, probability=g.score, why=g.why)
        for at, g in enumerate(answer.guidance)
        if at == 0 or g.score >= _LIKELY_CARD
    ]
