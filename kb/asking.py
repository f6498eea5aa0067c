"""Asking: one question against one snapshot gives one answer. Every surface is thin over this."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from kb.answer import Answer, Guidance, Link, Step, Thread
from kb.composing import composed
from kb.deciding import concluded
from kb.errors import BadInputError
from kb.guidance.card import Card
from kb.guidance.references import renumber
from kb.guidance.when import applies, parse_when
from kb.matching.cards import RankedCard, rank_cards
from kb.matching.classifier import NONE
from kb.matching.question import Question, check_given
from kb.matching.threads import DEPTH, RankedThread, rank_threads
from kb.resources import address_of, search_address
from kb.snapshot import Snapshot

MAX_QUERY = 2_000_000  # characters
ECHOED = 2_000  # of the query, in the answer
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")  # control characters but space and escape
_KEPT_CARDS = 3
_LIKELY_CARD = 0.03


def ask(query: str, snapshot: Snapshot, *, limit: int = 5, given: Mapping[str, str] | None = None) -> Answer:
    """Answer a symptom from a snapshot.

    `limit` bounds guidance and threads alike; `given` carries answers to an earlier `missing`, such as
    `{"platform": "macOS"}`. Raises `BadInputError` where there is nothing to read, or a value that its kind has not.
    """
    started = time.perf_counter()
    text, facts = readable(query), {kind: composed(value) for kind, value in (given or {}).items()}
    check_given(facts, snapshot.signals)
    question = Question(text, snapshot, facts)
    question.prepare(DEPTH)
    ranked = rank_cards(question)
    decided, missing = concluded(question, ranked)
    nothing = decided.outcome == "no_match"
    threads = [] if nothing else rank_threads(question, limit, likely=True)
    cards = [] if nothing else _shown(ranked, limit)
    first = snapshot.cards[cards[0].id] if cards else None
    return Answer(
        query=question.text[:ECHOED],
        outcome=decided.outcome,
        confidence=round(min(decided.confidence, decided.scope) if nothing else decided.confidence, 4),
        route=first.route.kind if first else "out_of_scope",
        signals=question.signals,
        guidance=_guidance(cards, question),
        threads=[_thread(t) for t in threads],
        missing=missing,
        snapshot=snapshot.info,
        took_ms=round((time.perf_counter() - started) * 1000, 2),
        degraded=question.degraded is not None,
        degraded_reason=question.degraded.sentence if question.degraded else None,
    )


def readable(query: str) -> str:
    """The query as text that can be read. Raises `BadInputError` for empty, binary or enormous input."""
    if len(query) > MAX_QUERY:
        raise BadInputError(
            f"The question has {len(query):,} characters; {MAX_QUERY:,} are read at most.",
            "Paste the part of the log around the failure.",
            code="too_long",
        )
    text = composed(query).replace("\r\n", "\n").strip()
    if not text.strip("\x00\ufffd \t\n"):
        raise BadInputError(
            "The question is empty.",
            'Describe the symptom, such as "code 8 hotspot".',
            code="empty",
        )
    odd = len(_ODD.findall(text, 0, 20_000))
    if odd > 0.1 * min(len(text), 20_000):
        raise BadInputError("The question looks like binary data.", "Paste the log as text.", code="binary")
    return text


def _shown(ranked: list[RankedCard], limit: int) -> list[RankedCard]:
    cards = [r for r in ranked if r.id != NONE]
    return [r for at, r in enumerate(cards[:limit]) if at < _KEPT_CARDS or r.probability >= _LIKELY_CARD]


def _guidance(ranked: list[RankedCard], question: Question) -> list[Guidance]:
    named, snapshot = question.named(), question.snapshot
    return [_shown_card(r, snapshot.cards[r.id], snapshot.resources, named) for r in ranked]


def _shown_card(r: RankedCard, card: Card, links: Mapping[str, Link], named: Mapping[str, list[str]]) -> Guidance:
    own = [links[id] for id in card.links if id in links]
    return Guidance(
        id=card.id,
        title=card.title,
        url=card_address(own, card),
        score=round(r.probability, 4),
        topic=card.topic,
        summary=card.summary,
        steps=_steps(card, links, named),
        links=own,
        ask_for=[a.question for a in card.ask_for],
        why=list(dict.fromkeys(r.why))[:5] or ["wording like this card's symptoms"],
        route=card.route.kind,
        reviewed=card.reviewed.isoformat(),
        facts_as_of=card.facts_as_of.isoformat(),
        recheck_after=list(card.recheck_after),
    )


def _steps(card: Card, links: Mapping[str, Link], named: Mapping[str, list[str]]) -> list[Step]:
    """The steps that apply to what the question names, numbered anew where some do not."""
    stay = [n for n, s in enumerate(card.steps, 1) if s.when is None or applies(parse_when(s.when), named)]
    numbers = {n: at for at, n in enumerate(stay, 1)}
    whole = len(stay) == len(card.steps)
    return [
        Step(
            text=s.text if whole else renumber(s.text, numbers),
            links=[links[c] for c in s.cites if c in links],
            when=s.when,
        )
        for s in (card.steps[n - 1] for n in stay)
    ]


def card_address(links: list[Link], card: Card) -> str:
    """The canonical page of a card: its first link whose page is known, else the forum's search for its title."""
    known = next((link.url for link in links if not link.search), None)
    return links[0].url if links and not links[0].search else known or search_address(card.title)


def _thread(t: RankedThread) -> Thread:
    head = t.head
    return Thread(
        id=head.id,
        title=head.title,
        url=address_of(head),
        score=round(t.score, 4),
        excerpt=t.excerpt,
        apple_replied=bool(head.apple_replied),
        accepted=bool(head.accepted),
        activity=head.activity,
    )
