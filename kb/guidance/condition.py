"""Words for the condition of a step, and for the values of facts that conditions name."""

from __future__ import annotations

from collections.abc import Sequence

from kb.errors import GuidanceError
from kb.guidance.when import Clause, parse_when

_VALUES = {
    "xcode": "run from Xcode",
    "testflight": "TestFlight",
    "app-store": "App Store",
    "ad-hoc": "Ad Hoc",
    "enterprise": "enterprise",
    "developer-id": "Developer ID",
    "app-extension": "an app extension",
    "system-extension": "a system extension",
    "supervised": "a supervised device",
    "managed": "a managed device",
    "unmanaged": "an unmanaged device",
    "yes": "in the Simulator",
    "no": "on a device",
}
_COMPARED = {">=": "{} or later", "<=": "{} or earlier", "<": "before {}", ">": "after {}", "=": "{}"}


def value(name: str) -> str:
    """A value of a fact as people say it."""
    return _VALUES.get(name, name)


def condition(when: str | None) -> str:
    """A step's condition as people say it: `os>=iOS 26.4` is "iOS 26.4 or later". Empty for none."""
    if not when:
        return ""
    try:
        return ", ".join(_clause(c) for c in parse_when(when))
    except GuidanceError:  # a card of another version
        return when


def only(when: str | None) -> str:
    """The same behind a step in Markdown or in Slack's own; what stands in it is not escaped."""
    return f" _(only: {condition(when)})_" if when else ""


def _clause(c: Clause) -> str:
    if c.key == "os":
        return _COMPARED[c.operator].format(_either(c.values))
    return _either([value(v) for v in c.values])


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
