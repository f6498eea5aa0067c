"""Drift: pages that no longer look as their parser believes.

A page is held against its own invariants (in its parser), against fixed floors of coverage (`ingest.reading`), and
here against what sound pages of its kind looked like before: no field may fall to a lower layer, none that was
always there may be missing. A shape never seen before is told, and is no alarm by itself.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from ingest.ledger import Ledger
from ingest.parsing.page import LAYERS, ParsedPage, Problem
from ingest.reading import EMPTY_KINDS, PARSER_VERSION

_DROP = 0.2  # of coverage
_ALWAYS = 0.9  # the coverage that a field must have had for its loss to count
_RARE = frozenset({
    "accepted", "recommended", "apple", "answered", "boosts", "abstract", "updated", "platforms", "tags", "topic",
    "sections", "author",
})  # fmt: skip
_BY_CHANCE = frozenset({"thread", "pages"})  # where these stand depends on how a page was saved, not on the site
_WATCHED = ("thread", "tag", "topic", "search", "feed", "documentation", "discourse_topic", "discourse_list")


class DriftWatch:
    """Compares pages with what their kind looked like; its memory of a run's pages is kept by `remember`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._baselines: dict[str, dict[str, tuple[str, float]]] = {}
        self._changed: set[str] = set()
        self._shapes: dict[str, set[str]] = {}

    def judge(self, page: ParsedPage) -> ParsedPage:
        """The page with what drift there is among its problems; a sound page becomes part of the baseline."""
        if page.kind not in _WATCHED or page.kind in EMPTY_KINDS or page.broken:
            return page
        fallen = self._fallen(page)
        judged = replace(page, problems=(*page.problems, *fallen))
        if judged.sound:
            self._learn(page)
        return judged

    def new_shape(self, page: ParsedPage) -> list[str]:
        """What a page's shape has that no page of its kind had, and lacks that all had; empty for a known shape."""
        if not page.fingerprint or page.kind not in _WATCHED:
            return []
        known = self._ledger.shapes(page.kind) if page.kind not in self._shapes else None
        seen = self._shapes.setdefault(page.kind, set(known or ()))
        hash = hashlib.sha256(json.dumps(page.fingerprint).encode()).hexdigest()[:16]
        if hash in seen:
            return []
        before = [set(features) for features in self._ledger.shapes(page.kind).values()]
        seen.add(hash)
        self._ledger.add_shape(page.kind, hash, page.fingerprint)
        if not before:
            return []
        now = set(page.fingerprint)
        added, lost = now - set().union(*before), set.intersection(*before) - now
        return sorted(f"+{f}" for f in added) + sorted(f"-{f}" for f in lost)

    def remember(self) -> None:
        """Keep what the run's sound pages looked like."""
        for kind in self._changed:
            self._ledger.set_baseline(kind, PARSER_VERSION, self._baselines[kind])
        self._changed.clear()

    def _baseline(self, kind: str) -> dict[str, tuple[str, float]]:
        if kind not in self._baselines:
            self._baselines[kind] = self._ledger.baseline(kind, PARSER_VERSION)
        return self._baselines[kind]

    def _fallen(self, page: ParsedPage) -> list[Problem]:
        found, fields = [], page.fields.by_name
        for name, (layer, coverage) in self._baseline(page.kind).items():
            field = fields.get(name)
            if field is None or name in _BY_CHANCE:  # a later page of a thread has no counters to look for
                continue
            if field.layer and LAYERS.index(field.layer) > LAYERS.index(layer):
                found.append(Problem("drift", f"the field {name} fell from {layer} to {field.layer}"))
            if name not in _RARE and coverage >= _ALWAYS and field.coverage < coverage - _DROP:
                found.append(Problem("drift", f"the field {name} was always there and is in {field.coverage:.0%} now"))
        return found

    def _learn(self, page: ParsedPage) -> None:
        """The lowest layer and the lowest coverage of any sound page are what the next is held against."""
        baseline = self._baseline(page.kind)
        for field in page.fields:
            if not field.layer:
                if field.name in baseline and baseline[field.name][1]:
                    baseline[field.name] = (baseline[field.name][0], 0.0)
                    self._changed.add(page.kind)
                continue
            old = baseline.get(field.name)
            layer = field.layer if old is None or LAYERS.index(field.layer) > LAYERS.index(old[0]) else old[0]
            new = (layer, field.coverage if old is None else min(old[1], field.coverage))
            if new != old:
                baseline[field.name] = new
                self._changed.add(page.kind)
