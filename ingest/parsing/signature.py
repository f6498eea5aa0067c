"""Who signs a post: Apple's staff write under role accounts, and the person is in the last lines."""

from __future__ import annotations

import re

# Line ends are taken all or none: a post may end in hundreds of empty lines, which could be shared out in as many ways
# between a rule, a name and a role.
_ENDS = r"(?:[^\S\n]*\n)++"
_RULE = r"(?:^|\n)[^\S\n]*(?:[—–-]{1,3}|\\?_[\\_]{3,}|\*{3,}|_{4,})" + _ENDS
_SIGNED = re.compile(
    _RULE
    + rf"(?P<name>[^\n]{{2,60}}?)(?:{_ENDS}|\s*\s@\s|\s*,\s)"
    + r"(?P<role>[^\n]*(?:DTS|Developer Technical Support|Engineer|Apple)[^\n]*)",
    re.IGNORECASE,
)
_TAIL = 600  # characters from the end in which a sign-off stands, footnotes after it included


def signature(body: str) -> str | None:
    """The name over a sign-off's role line, or None. It proves nothing: anyone can sign."""
    found = _SIGNED.search(body[-_TAIL:])
    return found["name"].strip(" *_,").strip() or None if found else None
