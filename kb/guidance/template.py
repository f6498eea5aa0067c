"""The template of a user's own card."""

from __future__ import annotations

import datetime as dt
import re

from kb.errors import BadInputError
from kb.matching.classifier import NONE

_TEMPLATE = """\
---
id: "{id}"
title: Say in one line what this settles
topic: networking-general
reviewed: {today}
facts_as_of: {today}
recheck_after: [iOS 27, macOS 27]
applies_to:
  platforms: []
signals:
  errors: []            # "NEVPNErrorDomain 5", or the domain alone
  terms: []             # words that settle it alone
symptoms:
  short: ["{words}"]
  question: []
  log: []
  wrapper: []
  nonnative: []
near_misses: []         # - {{text: ..., card: another-card}}
ask_for:
  - question: Which OS version and device?
    signal: os
route:
  kind: fix
see_also: []
links: [ne-resources]
---
Say what this is and what the usual cause is. [@ne-resources]

## Checklist

1. **The cheapest check first.** How to do it, and how to read the result. [@ne-resources]
"""


def template(id: str) -> str:
    """A card that passes the check and waits to be filled. Raises `BadInputError` for an id that is none."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,63}", id):
        raise BadInputError(f"{id[:80]!r} is no card id.", "Use 2 to 64 lower-case letters, digits and hyphens.")
    if id == NONE:
        raise BadInputError(f"{id!r} is what a question is that belongs to no card.", "Choose another id.")
    return _TEMPLATE.format(id=id, today=dt.date.today().isoformat(), words=id.replace("-", " "))
