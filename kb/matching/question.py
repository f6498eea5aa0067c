"""A question, read once: its signals, its condensed text, its vector, its terms."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Literal, get_args

from kb.answer import Signal, SignalKind
from kb.encoder import ASKED_TOKENS, Vector
from kb.errors import BadInputError, VectorsUnavailableError
from kb.filters import EVERYTHING, Filters
from kb.guidance.when import VALUES
from kb.lexical import terms
from kb.matching.candidates import Candidates, Matrix
from kb.matching.classifier import Weighed, term_features
from kb.matching.features import by_signals, by_terms, by_vector, decisive_terms
from kb.matching.pointers import FOREIGN
from kb.names import nearest
from kb.once import Once
from kb.signals import SignalTables, read_signals
from kb.signals.glossary import English, in_english
from kb.signals.log import condense
from kb.signals.versions import SYSTEMS, platform_of
from kb.snapshot import Snapshot

Search = Future[dict[int, float]]  # a score for each row that is found
_ERROR = re.compile(r"(.+) (-?\d{1,9})")
GivenKind = Literal["platform", "os", "distribution", "supervision", "packaging", "simulator", "error"]
GIVEN_KINDS: tuple[str, ...] = get_args(GivenKind)
LONGEST_GIVEN = 200  # characters of a value that is given over a network


class Text:
    """What a snapshot's encoder and tables make of a text, computed when first needed."""

    def __init__(self, text: str, snapshot: Snapshot) -> None:
        self.text = text
        self.snapshot = snapshot

    @Once
    def signals(self) -> list[Signal]:
        """The signals that stand in the text or are implied by it."""
        return read_signals(self.text, self.snapshot.signals)

    @Once
    def condensed(self) -> English:
        """The part that says what is wrong, with English words in place of those of other languages."""
        return in_english(condense(self.text), self.snapshot.signals.glossary)

    @Once
    def vector(self) -> Vector:
        """The encoder's view of the condensed text."""
        vector: Vector = self.snapshot.encoder.encode(self.condensed.text, ASKED_TOKENS)
        return vector

    @Once
    def terms(self) -> list[str]:
        """The terms of the condensed text."""
        return terms(self.condensed.whole)

    @Once
    def weighed(self) -> Weighed:
        """What the classifier makes of the terms, which stay the same whatever is given beside the text."""
        return self.snapshot.classifier.terms.weigh(term_features(self.terms))

    @Once
    def decisive(self) -> list[tuple[str, str]]:
        """Card id and term of every card's decisive terms that stand in the text."""
        return decisive_terms(self.text, self.snapshot.cards)

    @Once
    def by_terms(self) -> Matrix:
        """Features of every candidate that rest on the terms alone."""
        return by_terms(self)

    @Once
    def by_vector(self) -> Matrix:
        """Features of every candidate that rest on the vector alone."""
        return by_vector(self)


@cache
def _readers() -> ThreadPoolExecutor:
    """The threads that read beside the encoder; a forked process makes its own, for a fork takes no threads along."""
    return ThreadPoolExecutor(os.cpu_count(), "nekb-reader")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_readers.cache_clear)


class Question:
    """A text and the facts that were given beside it.

    `given` are answers to what was missing, such as `{"platform": "macOS"}`; they count like signals of the text and
    replace what the text only implied. `read` is the wording that is matched: the text, and a given error behind it,
    for "it fails with error 5" alone is like nothing.
    """

    def __init__(self, text: str | Text, snapshot: Snapshot, given: Mapping[str, str]) -> None:
        self._asked = text if isinstance(text, Text) else Text(text, snapshot)
        self.snapshot = snapshot
        self.given = given
        self.degraded: VectorsUnavailableError | None = None
        self._by_words: tuple[int, Search] | None = None
        self._nearest: tuple[int, Search] | None = None

    def prepare(self, depth: int) -> None:
        """Have other threads read all that needs no vector while this one encodes, and look for documents meanwhile.

        onnxruntime leaves the interpreter to others as long as it computes, which is most of an answer's time. What
        was found `depth` passages deep is waited for by whoever asks for it first.
        """
        _ = self.read.condensed  # both need it
        beside = _readers().submit(self._read_words, depth)
        _ = self.read.vector
        self._nearest = depth, _readers().submit(self._search_vectors, depth, EVERYTHING)
        beside.result()

    def _read_words(self, depth: int) -> None:
        _ = self.told, self.read.by_terms
        self._by_words = depth, _readers().submit(self._search_words, depth)

    @property
    def text(self) -> str:
        """What was asked."""
        return self._asked.text

    @Once
    def read(self) -> Text:
        """The wording that is matched."""
        error = next((s for s in self.signals if s.kind == "error"), None) if "error" in self.given else None
        if error is None:
            return self._asked
        return Text(" ".join((self.text, error.value, error.symbol or "")).strip(), self.snapshot)

    @Once
    def signals(self) -> list[Signal]:
        """Signals of the text, then those that were given."""
        end = len(self.text)
        bare = next((s.code for s in self._asked.signals if s.kind == "error" and s.domain is None), None)
        known = [(kind, value) for kind, value in self.given.items() if kind in get_args(SignalKind)]
        added = [_given_signal(kind, value, end, bare, self.snapshot.signals) for kind, value in known]
        if "os" in self.given and "platform" not in self.given:
            platform = platform_of(next(s for s in added if s.kind == "os"))
            if platform in VALUES["platform"]:
                added.append(Signal(kind="platform", value=platform, start=end, end=end, implied=True))
        replaced = {s.kind for s in added}
        return [s for s in self._asked.signals if not ((s.implied or s.kind == "error") and s.kind in replaced)] + added

    @Once
    def told(self) -> Candidates:
        """Features of every candidate that rest on the signals, and on what the classifier makes of them."""
        return by_signals(self)

    def by_words(self, depth: int) -> dict[int, float]:
        """The passages of documents with the question's terms, and their share of what those can reach."""
        if self._by_words and self._by_words[0] == depth:
            return self._by_words[1].result()
        return self._search_words(depth)

    def _search_words(self, depth: int) -> dict[int, float]:
        """The symbols of error codes are looked for too: threads speak of `.internal` where people paste 8."""
        symbols = " ".join(s.symbol for s in self.signals if s.symbol)
        return self.snapshot.documents.lexical.shares(self.read.terms + terms(symbols), depth)

    def nearest(self, depth: int, filters: Filters) -> dict[int, float]:
        """The nearest passages of documents with their cosine; none, and `degraded`, where the vectors are away."""
        try:
            if self._nearest and (self._nearest[0], filters) == (depth, EVERYTHING):
                return self._nearest[1].result()
            return self._search_vectors(depth, filters)
        except VectorsUnavailableError as error:
            self.degraded = error
            return {}

    def _search_vectors(self, depth: int, filters: Filters) -> dict[int, float]:
        return dict(self.snapshot.documents.vectors.search(self.read.vector, depth, filters))

    def with_given(self, extra: Mapping[str, str]) -> Question:
        """The same text with one more fact; what was computed for the text is shared."""
        return Question(self._asked, self.snapshot, {**self.given, **extra})

    def named(self) -> dict[str, list[str]]:
        """What the question names, by kind, for the conditions of steps."""
        found: dict[str, list[str]] = {}
        for s in self.signals:
            found.setdefault(s.kind, []).append(s.value)
        if "os" in found:
            found["os"] = [v.replace("iPadOS", "iOS") for v in found["os"]]
        return found


def _given_signal(kind: str, value: str, at: int, bare: int | None, tables: SignalTables) -> Signal:
    """A fact as a signal; an error is given as `"<domain> <code>"`, or as the domain of a code that stands `bare`."""
    if kind != "error":
        return Signal(kind=kind, value=_cased(kind, value), start=at, end=at)  # type: ignore[arg-type]
    domain, code = _domain_and_code(value)
    code = bare if code is None else code
    known = tables.domain_named(domain)
    name, case = (known.name, known.cases.get(code) if code is not None else None) if known else (domain, None)
    return Signal(
        kind="error",
        value=name if code is None else f"{name} {code}",
        start=at,
        end=at,
        domain=name,
        code=code,
        symbol=case.symbol if case else None,
    )


def _domain_and_code(value: str) -> tuple[str, int | None]:
    named = _ERROR.fullmatch(value.strip())
    return (named[1], int(named[2])) if named else (value.strip(), None)


def check_given(given: Mapping[str, str], tables: SignalTables) -> None:
    """Raises `BadInputError` where a kind of fact has values of its own and what is given is none of them.

    An error is given with a domain that the tables have. Another one, even one of somebody's own, would end the
    question for the domain and leave the code to what it means in ours.
    """
    if "error" in given and tables.domain_named(name := _domain_and_code(given["error"])[0]) is None:
        meant = nearest(name, (d.name for d in tables.domains.values()))
        remedy = "Give a domain that `nekb error CODE` names; write any other into the question."
        raise BadInputError(f"{name[:80]!r} is no error domain that is known.", f"{meant} {remedy}".strip())
    for kind, value in given.items():
        known = _known(kind)
        if known and _cased(kind, value) not in known:
            raise BadInputError(f"{value[:80]!r} is no {kind} that is known.", f"Give one of {', '.join(known)}.")


def _known(kind: str) -> tuple[str, ...]:
    """The values that a kind can have; none where it can have any."""
    return (*VALUES.get(kind, ()), *(FOREIGN if kind == "platform" else ()))


def _cased(kind: str, value: str) -> str:
    """A value in the case in which cards write it: `macos` is macOS, `ios 18.2` is iOS 18.2."""
    if kind == "os":
        family, _, version = value.strip().partition(" ")
        return f"{SYSTEMS.get(family.lower(), family)} {version}".strip()
    return next((v for v in _known(kind) if v.lower() == value.strip().lower()), value)
