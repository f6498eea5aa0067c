"""What an error code means: every domain that knows it, best first; and which APIs fail without any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kb.errors import BadInputError, NotFoundError
from kb.names import nearest
from kb.signals import read_signals
from kb.signals.tables import SYSTEM, Case, Domain, SignalTables, SilentApi

_ORDER = {"public": 0, "private": 1, "enum": 2, SYSTEM: 3}


@dataclass(frozen=True)
class KnownError:
    """A case of a domain."""

    domain: Domain
    case: Case

    def to_dict(self) -> dict[str, Any]:
        """A plain object, as the terminal's JSON and HTTP tell it."""
        d, c = self.domain, self.case
        return {
            "domain": d.name,
            "code": c.code,
            "symbol": c.symbol,
            "swift": c.swift,
            "meaning": c.meaning,
            "hints": c.hints,
            "guidance": c.cards,
            "topic": d.topic,
            "platforms": d.platforms,
            "visibility": d.visibility,
            "confidence": c.confidence,
            "notes": d.notes,
        }


def look_up(words: list[str], tables: SignalTables) -> list[KnownError]:
    """`["8"]`, `["NEVPNErrorDomain", "5"]`, a symbol, a domain alone, or what the system prints of an error.

    Without a domain every domain that knows the code, public ones first. Raises `BadInputError` where there is
    nothing to look up and `NotFoundError` where nothing known matches.
    """
    text = " ".join(words).strip()
    code = re.search(r"(?:^|[\s:=(])(-?\d{1,6})\)?[.,;]?$", text)
    name = text[: code.start()].strip(" :=,") if code else text
    if code is None and (code := re.match(r"(-?\d{1,6})[\s,]+(?=[A-Za-z])", text)):  # `5 NEVPNErrorDomain`
        name = text[code.end() :]
    name = re.sub(r"(?i)(?<![\w.])(?:error|domain=?|code)(?![\w.])[\s=:]*", "", name + " ").strip() or ""
    if not name and code is None:
        raise BadInputError("No code was given.", "Write a code, a domain and a code, or a symbol.")
    found = _in_domain(name, int(code[1]) if code else None, tables) if name else _everywhere(code, tables)
    found = found or _printed(text, tables)
    if not found:
        raise _unknown(text, name, code[1] if code else None, tables)
    return found


def silent_apis(name: str, tables: SignalTables) -> list[SilentApi]:
    """The API of this name, in whatever spelling, that fails without an error; none for any other name."""
    called = name.strip().split("(", maxsplit=1)[0]
    entry = tables.named(called)
    names = {called.lower()}
    if entry is not None and entry.kind == "api":
        names |= {entry.value.lower(), *(implied.lower() for _, implied in entry.implies)}
    return [api for api in tables.silent_apis if api.api.lower() in names]


def _printed(text: str, tables: SignalTables) -> list[KnownError]:
    """The errors that a text tells as a question would, such as `(NEVPNErrorDomain error 5.)`, in its order.

    Only with a code that stands in it: a symbol with another one beside it is told to be wrong.
    """
    codes = {int(n) for n in re.findall(r"-?\d{1,10}", text)}
    read = [s for s in read_signals(text, tables) if s.kind == "error" and s.domain and s.code in codes]
    domains = [(tables.domain_named(s.domain or ""), s.code) for s in read]
    return [KnownError(d, d.cases[code]) for d, code in domains if d is not None and code in d.cases]


def find_errors(
    tables: SignalTables, *, code: int | None = None, domain: str | None = None, symbol: str | None = None
) -> list[KnownError]:
    """The same with each part named: what all parts that are given agree on. Raises as `look_up` does."""
    if not symbol:
        return look_up([w for w in (domain, None if code is None else str(code)) if w], tables)
    found = look_up([symbol], tables)
    owner = look_up([domain], tables)[0].domain.id if domain else None
    agreed = [k for k in found if code in (None, k.case.code) and owner in (None, k.domain.id)]
    if not agreed:
        first = found[0]
        raise NotFoundError(
            f"{symbol} is code {first.case.code} of {first.domain.name}.", "Leave out the code or the domain beside it."
        )
    return agreed


def _unknown(text: str, name: str, code: str | None, tables: SignalTables) -> NotFoundError:
    """Says which part is unknown, and what was most likely meant."""
    if not name:
        return NotFoundError(f"No known domain has the code {code}.", "Write the domain or the symbol beside it.")
    domain = _domain(name, tables)
    if domain is not None:
        return NotFoundError(
            f"{domain.name} has no code {code} that is known.",
            f"Known are {_listed(sorted(domain.cases))}: `nekb error {domain.name}` says what they mean.",
        )
    names = [str(n) for d in tables.domains.values() for n in (d.name, d.enum) if n]
    symbols = [c.symbol for d in tables.domains.values() for c in d.cases.values() if c.symbol]
    return NotFoundError(
        f"Nothing known is called {text[:80]!r}.",
        nearest(name, names if code else [*names, *symbols])
        or "Try the code alone: `nekb error 8` lists every domain that knows it.",
    )


def _listed(codes: list[int]) -> str:
    """Codes in words: a range where none is missing, else the codes."""
    if len(codes) > 1 and codes[-1] - codes[0] == len(codes) - 1:
        return f"{codes[0]} to {codes[-1]}"
    return ", ".join(map(str, codes))


def _everywhere(code: re.Match[str] | None, tables: SignalTables) -> list[KnownError]:
    number = int(code[1]) if code else None
    known = [KnownError(d, d.cases[number]) for d in tables.domains.values() if number in d.cases]
    return sorted(known, key=_likelihood)


def _likelihood(known: KnownError) -> tuple[int, bool, bool, int, str]:
    """Public domains first; then what is surely known; then what people are so often stuck on that it has hints."""
    case, domain = known.case, known.domain
    unsure = not case.confidence.startswith("high")
    return (_ORDER.get(domain.visibility, 3), not case.cards, unsure, -len(case.hints), domain.id)


def _in_domain(name: str, code: int | None, tables: SignalTables) -> list[KnownError]:
    entry = tables.word(name.lower())
    if entry is not None and entry.code is not None and entry.domain:
        owner = tables.domains[entry.domain]
        return [KnownError(owner, owner.cases[entry.code])] if code in (None, entry.code) else []
    domain = _domain(name, tables)
    if domain is None:
        swift = tables.swift_cases.get(name.lstrip(".").lower(), [])
        return [KnownError(tables.domains[d], tables.domains[d].cases[c]) for d, c in swift if code in (None, c)]
    if code is None:
        return [KnownError(domain, case) for _, case in sorted(domain.cases.items())]
    return [KnownError(domain, domain.cases[code])] if code in domain.cases else []


def _domain(name: str, tables: SignalTables) -> Domain | None:
    return tables.domain_named(name) or next((d for d in tables.domains.values() if _called(d, name)), None)


def _called(domain: Domain, name: str) -> bool:
    return name.lower() in {str(n).lower() for n in (domain.id, domain.domain, domain.enum, *domain.aliases)}
