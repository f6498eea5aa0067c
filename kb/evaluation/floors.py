"""Floors: figures that may not get worse unnoticed. They are pinned in `data/evaluation/floors*.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LESS_IS_BETTER = ("ECE", "wrongly turned away")


def missed(floors: Mapping[str, float], found: Mapping[str, Any]) -> list[str]:
    """A line for every figure on the wrong side of its floor (a ceiling, for those where less is better)."""
    lines = []
    for name, floor in floors.items():
        value = found[name]["value"]
        if value > floor if name in LESS_IS_BETTER else value < floor:
            lines.append(f"{name} is {value:.3f}, pinned at {floor:.3f}")
    return lines
