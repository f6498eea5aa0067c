"""Floors: figures that may not get worse unnoticed. They are pinned in `data/evaluation/floors*.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kb.errors import BadInputError

LESS_IS_BETTER = ("ECE", "wrongly turned away")


def read_floors(path: Path) -> dict[str, float]:
    """The floors of a file by the names of their figures. Raises `BadInputError` where it holds no floors."""
    remedy = 'Name a JSON file such as {"hit@1": 0.9, "ECE": 0.05}.'
    try:
        floors = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInputError(f"The floors {path} cannot be read: {error}.", remedy) from error
    if not isinstance(floors, dict) or not all(_is_number(floor) for floor in floors.values()):
        raise BadInputError(f"{path} is no object of figures and their floors.", remedy)
    return floors


def _is_number(floor: object) -> bool:
    return isinstance(floor, int | float) and not isinstance(floor, bool) and math.isfinite(floor)


def missed(floors: Mapping[str, float], found: Mapping[str, Any]) -> list[str]:
    """A line for every figure on the wrong side of its floor (a ceiling, for those where less is better).

    A figure that these questions do not give is one, too: a floor that cannot be missed would guard nothing.
    """
    lines = []
    for name, floor in floors.items():
        figure = found.get(name)
        if not isinstance(figure, dict):
            lines.append(f"{name} is not among the figures of these questions, pinned at {floor:.3f}")
            continue
        value = figure["value"]
        if value > floor if name in LESS_IS_BETTER else value < floor:
            lines.append(f"{name} is {value:.3f}, pinned at {floor:.3f}")
    return lines
