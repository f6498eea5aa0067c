"""Letters in lower case, each where it was, so that what is found has true places in the text."""

from __future__ import annotations


def lowered(text: str) -> str:
    """A text in lower case and of the same length: the Turkish İ, which would become two letters, becomes an i."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(letter.lower()[0] for letter in text)
