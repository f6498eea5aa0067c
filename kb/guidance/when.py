"""Conditions of a step: does it apply to a question that names its platform, OS or channel?

A condition is `key=value|value` joined by `;`, or an OS comparison such as `os>=iOS 26.4` or
`os>=iOS 16|macOS 13`. A key that the question says nothing about never rules a step out: a step is hidden only
when it surely does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from kb.errors import GuidanceError
from kb.guidance.card import Distribution, Packaging, Platform, Supervision

VALUES: dict[str, tuple[str, ...]] = {
    "platform": get_args(Platform),
    "packaging": get_args(Packaging),
    "distribution": get_args(Distribution),
    "supervision": get_args(Supervision),
    "simulator": ("yes", "no"),
}
_OS = re.compile(r"^os\s*(>=|<=|<|>|=)\s*(\S.*)$")
_NAMED_VERSION = re.compile(r"(iOS|macOS|tvOS|visionOS|watchOS) (\d{1,6}(?:\.\d{1,6})*)")  # as a person gave it
_VERSION = re.compile(r"^(iOS|macOS|tvOS|visionOS|watchOS)\s+(\d{1,6}(?:\.\d{1,6})*)$")


@dataclass(frozen=True)
class Clause:
    """One part of a condition: `key` in `values`, or for `os` a comparison with a version, one for each system."""

    key: str
    values: tuple[str, ...]
    operator: str = "="


@lru_cache(1024)
def parse_when(text: str) -> tuple[Clause, ...]:
    """Read a condition. Raises `GuidanceError` on an unknown key or value."""
    return tuple(_clause(part.strip()) for part in text.split(";") if part.strip())


def _clause(part: str) -> Clause:
    compared = _OS.match(part)
    if compared:
        return Clause("os", tuple(_version(part, v.strip()) for v in compared[2].split("|")), compared[1])
    key, _, value = part.partition("=")
    key = key.strip()
    values = tuple(v.strip() for v in value.split("|"))
    if key not in VALUES:
        raise GuidanceError(
            f"The condition {part!r} has no known key.", f"Use one of {', '.join(VALUES)}, or os>=iOS 26.4."
        )
    for v in values:
        if v not in VALUES[key]:
            raise GuidanceError(
                f"The condition {part!r} has the unknown value {v!r}.", f"Use {', '.join(VALUES[key])}."
            )
    return Clause(key, values)


def _version(part: str, text: str) -> str:
    found = _VERSION.match(text)
    if not found:
        raise GuidanceError(
            f"The condition {part!r} has no OS version {text!r}.", "Write os>=iOS 26.4, or os>=iOS 16|macOS 13."
        )
    return f"{found[1]} {found[2]}"


def version_tuple(version: str) -> tuple[int, ...]:
    """`"26.0.1"` as `(26, 0, 1)`."""
    return tuple(int(n) for n in version.split("."))


def _compare(operator: str, have: str, want: str) -> bool:
    a, b = version_tuple(have), version_tuple(want)
    width = max(len(a), len(b))
    a, b = a + (0,) * (width - len(a)), b + (0,) * (width - len(b))
    return {
        ">=": a >= b,
        "<=": a <= b,
        "<": a < b,
        ">": a > b,
        "=": a[: len(version_tuple(want))] == version_tuple(want),
    }[operator]


def applies(clauses: Sequence[Clause], named: Mapping[str, Sequence[str]]) -> bool:
    """Whether a step with these clauses applies, given what the question names.

    `named` maps a key to the values that the question carries, such as
    `{"platform": ["iOS"], "os": ["iOS 26.0.1"]}`.
    """
    return all(_holds(clause, named) for clause in clauses)


def _holds(clause: Clause, named: Mapping[str, Sequence[str]]) -> bool:
    if clause.key == "os":
        return any(_os_holds(clause.operator, want, named) for want in clause.values)
    have = named.get(clause.key, ())
    return not have or any(v in clause.values for v in have)


def _os_holds(operator: str, want: str, named: Mapping[str, Sequence[str]]) -> bool:
    platform, version = want.split(" ")
    have = [found for name in named.get("os", ()) if (found := _NAMED_VERSION.fullmatch(name))]
    platforms = {*named.get("platform", ()), *(found[1] for found in have)}
    if platforms and platform not in platforms:
        return False
    versions = [found[2] for found in have if found[1] == platform]
    return not versions or any(_compare(operator, v, version) for v in versions)
