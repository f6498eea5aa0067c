"""The names that were most likely meant by one that is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_PARTS = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """ "Did you mean ...?" with up to three names like `name`, most alike first; empty where none is.

    Names that hold what was typed come before names that are only spelt alike.
    """
    typed = name.strip().lower()
    by_folded = {k.lower(): k for k in known}
    holding = sorted((k for k in by_folded if len(typed) > _PARTS and typed in k), key=len)
    alike = difflib.get_close_matches(typed, by_folded, n=_PARTS, cutoff=0.65)
    meant = list(dict.fromkeys([*holding, *alike]))[:_PARTS]
    return f"Did you mean {' or '.join(by_folded[k] for k in meant)}?" if meant else ""
