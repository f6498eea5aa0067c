"""What a button carries: the question it goes on with, within Slack's 2,000 characters a value.

A short question stands there as it is, a long one compressed; only one that is too long even so is cut.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

_VALUE = 1_900
_PLAIN = 600
_UNPACKED = 200_000  # characters; a forged or broken value cannot fill the memory


def pack(query: str, given: Mapping[str, str], **more: object) -> str:
    """The question and the given facts as a button's value; `more` are small facts about the button."""
    kept = query
    while len(value := _packed(kept, given, more)) > _VALUE:
        kept = kept[: len(kept) * 4 // 5]
    return value


def _packed(query: str, given: Mapping[str, str], more: Mapping[str, object]) -> str:
    if len(query) <= _PLAIN:
        plain = json.dumps({"q": query, "g": dict(given), **more}, ensure_ascii=False)
        if len(plain) <= _VALUE:
            return plain
    squeezed = base64.b85encode(zlib.compress(query.encode("utf-8", "replace"), 9)).decode()
    return json.dumps({"z": squeezed, "g": dict(given), **more}, ensure_ascii=False)


def unpack(value: str) -> tuple[str, dict[str, str]]:
    """The question and the given facts that a button carries; empty where the value is none of ours."""
    held = facts(value)
    try:
        given = {str(k): str(v) for k, v in held.get("g", {}).items()}
        return (str(held["q"]) if "q" in held else _unsqueezed(str(held["z"]))), given
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return "", {}


def facts(value: str) -> dict[str, Any]:
    """Everything that a button carries."""
    try:
        held = json.loads(value)
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}


def _unsqueezed(text: str) -> str:
    return zlib.decompressobj().decompress(base64.b85decode(text), _UNPACKED).decode("utf-8", "replace")
