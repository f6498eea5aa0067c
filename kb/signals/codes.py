"""Error domains and codes: `Error Domain=X Code=8`, `code: 8`, `X error 8`, `.internal`, a symbol.

A code counts only with its domain. A code that stands alone is resolved by the words around it when they speak of
exactly one domain that knows the code; otherwise it is left out, and the answer asks for the domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.signals.tables import Domain, SignalTables

_INT = r"(-?\d{1,10})(?!\w|-\d)(?![\w.]*[.:]\d)"  # in this order: else it is quadratic on a run of digits
# What may stand between a domain and its code: signs, and the words people put there.
_CODE_AFTER = re.compile(
    r"(?:[^\S\n]|\n(?=\W{0,8}(?:code|error|错误|代码|コード|код)\b)|\.(?!\s)|[\"'`=:,;()\[\]{}/#–—-]"
    r"|\b(?:error|err|codes?|with|the|and|status|is|rawvalue|errore|erreur|erro|fehler|fout|fel|fejl|feil|virhe|błąd"
    r"|chyba|hata|lỗi|помилка|ошибка|код)\b"
    r"|错误|錯誤|代码|代碼|コード|エラー|오류|에러|코드){1,40}?(?P<code>0x(?!0+\b)[0-9a-f]{1,8}\b|" + _INT + ")",
    re.IGNORECASE,
)
_DOMAIN = re.compile(r"(?<![\w.])[A-Za-z][\w.]{2,80}?Domain(?![a-z])\w{0,12}")
# As an NSError prints and describes itself: whatever stands there is the domain.
_NSERROR = re.compile(r"\bError Domain=(?P<domain>[A-Za-z][\w.-]{2,80}) Code=-?\d{1,10}\b")
_DESCRIBED = re.compile(r"[(（](?P<domain>[A-Za-z][\w.-]{2,80}) ?(?:error|错误) ?-?\d{1,6}[.。]?[)）]", re.IGNORECASE)
# Swift's errors and those of many libraries are called by their type: `AuthorizationError 1000`, `XError(rawValue: 5)`.
_TYPED = re.compile(
    r"(?<![\w.])(?P<domain>(?!NSError\b)[A-Z][A-Za-z]\w{2,60}Error)[\s(]{1,2}(?:error |code |Code=|rawValue: )?"
    r"-?\d{1,6}\b(?![.:]\d)"
)
_JSON_DOMAIN = re.compile(r"[\"']?domain[\"']?\s*[:=]\s*[\"']?(?P<domain>[A-Za-z][\w.]{2,80})", re.IGNORECASE)
_JSON_CODE = re.compile(r"[\"']?(?:error_?)?code[\"']?\s*[:=]\s*[\"']?(?P<code>" + _INT + ")", re.IGNORECASE)
_BARE = re.compile(
    r"(?:\b(?:error|err|codes?|err(?:or)?_?code|reason_?code|result_?code|errors?\s+codes?|status|fehler|fehlercode|erreur"
    r"|c[oó]digo|erro|kod|hata|l[oỗ]i)\b|错误码?|错误代码|代码|エラー|コード|코드|에러|오류|код|ошибка)"
    r"\s*+(?:code|nr\.?|no\.?|number|is|of|:|=|#|\(|-(?=\s)|代码|コード|码|为){0,6}+\s*+(?P<code>" + _INT + ")",
    re.IGNORECASE,
)
# `codes 1, 4 and 5`: what comes behind the first, where a word before it says that there are several.
_SEVERAL = re.compile(r"\bcodes[\s:=(]{1,4}$", re.IGNORECASE)
_NEXT = re.compile(r"(?:\s?[,/]\s?(?:and |or )?|\s(?:and|or|&)\s)(?P<code>" + _INT + r")(?! times)", re.IGNORECASE)
# Numbers of somebody else's: `HTTP status 404`, `exit code 1`, `make: *** [all] Error 2`; an `os error 2` is an errno.
_ANOTHERS = re.compile(
    r"(?:(?:https?|exit|exited(?: with)?|ws|websocket|\bos)[\s/:=_{-]*|\*\*\* \[[^\]]{0,80}\] )$", re.IGNORECASE
)
# App Store Connect's own, at a sentence's end: `ITMS-90525`, `Asset validation failed (90525)`.
_UPLOAD = re.compile(r"(?:\bITMS-|[a-z.:] ?\((?=90\d{3}\))|\bfailed:? (?=90\d{3}\b))(?P<code>9\d{4})\b", re.IGNORECASE)
# What a provider is stopped with, where the text speaks of that: `stopTunnel with reason: 9`.
_REASON = re.compile(r"\breason\b[\s:=(]{1,3}(?:code )?(?P<code>\d{1,2})\b", re.IGNORECASE)
_STOP_REASONS = "ne-provider-stop-reason"
_REVERSED = re.compile(r"(?<![\w.])(?P<code>\d{1,3})\s+(?:error|fehler)\b(?!s\b| generated)", re.IGNORECASE)
_BARE_CASE = re.compile(r"(?<![\w./])[a-z]+(?:[A-Z][a-z]+){1,5}(?![\w(])")
_DOT_CASE = re.compile(r"(?<![\w/])\.(?P<case>[a-z][A-Za-z0-9]{4,40})\b(?!\s*[=(])")


_APART = 300  # characters between a domain and its code in one object
_LONG_CASE = 14  # letters of a case's name from which on it is nobody's ordinary variable


@dataclass(frozen=True)
class FoundCode:
    """A code with its domain where it is known, and where it stands in the text."""

    domain: str | None
    code: int
    start: int
    end: int
    explicit: bool

    def overlaps(self, other: FoundCode) -> bool:
        """Whether both stand in the same place."""
        return self.start < other.end and other.start < self.end


def find_codes(
    text: str, tables: SignalTables, context: list[Domain], named: list[tuple[str, int, int]]
) -> list[FoundCode]:
    """Every code of the text.

    `context` are the domains that the words of the text speak of, `named` the ids of domains with their spans.
    """
    found = list(_pairs(text, tables, named))
    found += [f for f in _split_json(text, tables) if not any(map(f.overlaps, found))]
    found += [f for f in _bare(text, context) if not any(map(f.overlaps, found))]
    found += _dot_cases(text, tables, context)
    return _unique(found)


def _pairs(text: str, tables: SignalTables, named: list[tuple[str, int, int]]) -> Iterator[FoundCode]:
    """A domain with the code that follows it; a domain of no table counts by its ending."""
    spans = {start: (id, end) for id, start, end in named}
    for m in _DOMAIN.finditer(text):
        known = tables.domain_named(m[0])
        spans.setdefault(m.start(), (known.id if known else m[0], m.end()))
    for m in [*_NSERROR.finditer(text), *_DESCRIBED.finditer(text), *_TYPED.finditer(text)]:
        if not any(start <= m.start("domain") < end for start, (_, end) in spans.items()):
            known = tables.domain_named(m["domain"])
            spans[m.start("domain")] = (known.id if known else m["domain"], m.end("domain"))
    for start, (id, end) in spans.items():
        code = _CODE_AFTER.match(text, end - 1 if text[end - 1] == ":" else end)
        if code:
            yield FoundCode(id, signed(code["code"]), start, code.end("code"), explicit=True)
            yield from _further(text, code, tables.domains.get(id), explicit=True)


def _further(text: str, first: re.Match[str], domain: Domain | None, *, explicit: bool) -> Iterator[FoundCode]:
    """The rest of a list of codes, as far as their domain knows them."""
    if domain is None or not _SEVERAL.search(text, first.start(), first.start("code")):
        return
    at = first.end("code")
    while (more := _NEXT.match(text, at)) and (code := int(more["code"])) in domain.cases:
        yield FoundCode(domain.id, code, more.start("code"), more.end("code"), explicit=explicit)
        at = more.end("code")


def signed(number: str) -> int:
    """A code as the 32 bits of an OSStatus: 0xe8008016 is -402620394."""
    code = int(number, 16 if number.lower().startswith("0x") else 10)
    return code - (1 << 32) if code >= 1 << 31 else code


def _split_json(text: str, tables: SignalTables) -> Iterator[FoundCode]:
    """`"code": 8, ... "domain": "X"` in either order, as wrappers print an NSError."""
    for d in _JSON_DOMAIN.finditer(text):
        domain = tables.domain_named(d["domain"])
        if domain is None and not d["domain"].endswith("Domain"):
            continue
        around = _JSON_CODE.finditer(text, max(0, d.start() - _APART), d.end() + _APART)
        near = [c for c in around if not text[c.end() : c.end() + 1].isdigit() and _beside(text, c, d)]
        if near:
            c = min(near, key=lambda c: abs(c.start() - d.start()))
            yield FoundCode(domain.id if domain else d["domain"], int(c["code"]), c.start(), c.end(), explicit=True)


def _beside(text: str, code: re.Match[str], domain: re.Match[str]) -> bool:
    """Whether a code and a domain stand in one and the same object: no brace opens or closes between them alone."""
    depth = 0
    for sign in text[min(code.end(), domain.end()) : max(code.start(), domain.start())]:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


def _bare(text: str, context: list[Domain]) -> Iterator[FoundCode]:
    for m in _REASON.finditer(text):
        if any(d.id == _STOP_REASONS and int(m["code"]) in d.cases for d in context):
            yield FoundCode(_STOP_REASONS, int(m["code"]), m.start(), m.end(), explicit=False)
    for pattern in (_BARE, _UPLOAD, _REVERSED):
        for m in pattern.finditer(text):
            if _ANOTHERS.search(text, max(0, m.start() - 90), m.start()):
                continue
            code = int(m["code"])
            knows = [d for d in context if code in d.cases]
            domain = knows[0] if len(knows) == 1 else None
            if domain is None and (pattern is _REVERSED or m[0].lower().startswith("codes")):
                continue  # "404 error" and "QR codes 1 to 9" are not codes of ours
            yield FoundCode(domain.id if domain else None, code, m.start(), m.end("code"), explicit=False)
            yield from _further(text, m, domain, explicit=False)


def _dot_cases(text: str, tables: SignalTables, context: list[Domain]) -> Iterator[FoundCode]:
    """Swift spelling of a case, `.configurationStale`: counts where one domain knows it, or the context says which."""
    for m in _DOT_CASE.finditer(text):
        if owner := _owner(m["case"], tables, context, telling=_long_name(m["case"])):
            yield FoundCode(*owner, m.start(), m.end(), explicit=True)
    for m in _BARE_CASE.finditer(text):
        if owner := _owner(m[0], tables, context, telling=len(m[0]) >= _LONG_CASE):
            yield FoundCode(*owner, m.start(), m.end(), explicit=True)


def _owner(case: str, tables: SignalTables, context: list[Domain], *, telling: bool) -> tuple[str, int] | None:
    """Domain and code of a case: of the one domain that the context names, else of the only one if the name tells."""
    owners = tables.swift_cases.get(case.lower(), [])
    named = [owner for owner in owners if any(d.id == owner[0] for d in context)]
    if len(named) == 1:
        return named[0]
    return owners[0] if len(owners) == 1 and telling else None


def _long_name(case: str) -> bool:
    """Whether the name is more than one word, so that it cannot be an ordinary Swift member."""
    return any(c.isupper() for c in case)


def _unique(found: list[FoundCode]) -> list[FoundCode]:
    seen: dict[tuple[str | None, int], FoundCode] = {}
    codes: set[int] = set()
    for f in sorted(found, key=lambda f: (not f.explicit, f.start)):
        if f.domain is not None or f.code not in codes:  # a bare code may be one whose domain stands elsewhere
            seen.setdefault((f.domain, f.code), f)
            codes.add(f.code)
    return sorted(seen.values(), key=lambda f: f.start)
