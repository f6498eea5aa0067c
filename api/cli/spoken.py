"""Words that a person pastes behind a command: `-[NEVPNConnection stopVPNTunnel]` and -65555 are no options."""

from __future__ import annotations

import os
import re

import click

# A dash before what begins no option's name, or a dash somewhere before a space that belongs to no option's value.
_NO_OPTION = re.compile(r"-(?:[^A-Za-z-]|-?[^=\s]*\s)")
_UNREAD = re.compile("[\udc80-\udcff]")  # bytes that Python keeps of an argument which it could not read


class Spoken(click.Command):
    """A command whose words are a person's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A space before words that begin with a dash: with it they are no option, and say the same."""
        return super().parse_args(ctx, [f" {a}" if _NO_OPTION.match(a) else a for a in args])


def said(words: tuple[str, ...]) -> str:
    """The words as one text. What the encoding of the locale could not read is read as UTF-8."""
    text = " ".join(word.lstrip() for word in words)
    return os.fsencode(text).decode("utf-8", "replace") if _UNREAD.search(text) else text
