"""Sources: where knowledge comes from, one module each.

A module of this package that has a `SOURCE` is a source; nothing else has to be told of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ingest.sources.source import Source
from kb.errors import BadInputError


@cache
def sources() -> dict[str, Source]:
    """Every source by its name."""
    found: dict[str, Source] = {}
    for module in pkgutil.iter_modules(__path__):
        source = getattr(importlib.import_module(f"{__name__}.{module.name}"), "SOURCE", None)
        if source is not None:
            found[source.name] = source
    return found


def source_named(name: str) -> Source:
    """A source by its name. Raises `BadInputError` for a name that is none."""
    if name not in sources():
        raise BadInputError(f"There is no source {name!r}.", f"Sources are {', '.join(sources())}.")
    return sources()[name]


def source_of(address: str) -> Source:
    """The source that an address belongs to. Raises `BadInputError` where no source has it."""
    for source in sources().values():
        if source.owns(address):
            return source
    raise BadInputError(
        f"No source of nekb has the address {address}.",
        "Sources are pages of developer.apple.com/forums, its feeds, developer.apple.com/documentation and"
        " forums.swift.org.",
        code="address",
    )
