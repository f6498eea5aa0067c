"""Text that came from outside, made safe for the place it is shown in."""

from __future__ import annotations

import re

# Escape sequences first (CSI, OSC up to its terminator, and the two-byte ones), then what is left of control
# characters, then the invisible marks that reorder or hide text. Tags (U+E0000 on) spell whole sentences that nobody
# sees and a language model reads; the selectors beside them can be made to.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[@-Z\\-_]|\x9b[0-?]*[ -/]*[@-~]", re.DOTALL
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e0fff]"
)


def plain(text: str) -> str:
    """Text without terminal escapes, control characters and marks that reorder or hide it; tabs and newlines stay."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def one_line(text: str) -> str:
    """The same, on one line."""
    return " ".join(plain(text).split())


def safe_url(url: str) -> str | None:
    """An http(s) address without anything that could break out of where it is put; None for any other scheme."""
    cleaned = plain(url).strip()
    if not re.match(r"https?://[^\s<>\"'`\\]+$", cleaned):
        return None
    return cleaned
