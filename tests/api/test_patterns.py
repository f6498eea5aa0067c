"""Regular expressions that read what comes from outside: none takes longer than the text is long."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import api

LENGTH = 30_000
LIMIT = 0.25  # seconds of a processor; a pattern that begins anew at every character takes twice as many or more
PIECES = (
    "a", "a.", "a@", "@a", "a@a", "@a.", "a-", "a+", "é@", "a@a.a+", "_", "A", "aB", "0", "1.", "1.1.1.", ":", ":1",
    "aa:", "/", "/home/", "/Users/a", "*", "**", "**a", "`", "`a", "eyJ", "eyJ-", "-eyJ", "eyJa.", "eyJa.a.",
    "token", "token=", "psk:", "sk-", "-sk_a", "nekb_", "AKIA", "-----BEGIN", "-----BEGIN A", "-----BEGIN A-----",
    "-----END A", "&", "@here", "http://", "<", "<a", "<@A", "<@A|", "<@A|a", "<!", "<#a", "<http://a|", "<b>",
    "set", "set platform", "\x1b", "\x1b[", "\x1b[0", "\x1b]", "\x9b", "\x9b0", "\u200b", " ", "  ", " \t",
    "token ",
)  # fmt: skip
BEFORE = ("", "token ", "eyJa.", "-----BEGIN A-----", "https://", "set platform ")


def calls() -> Iterator[tuple[str, str, str | bytes, int]]:
    """Every expression of the package: where it stands, the function it is given to, itself, its flags."""
    root = Path(api.__file__).parent
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re."):
                flags = [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr.isupper()]
                where, function = f"{file.relative_to(root)}:{node.lineno}", ast.unparse(node.func).removeprefix("re.")
                yield where, function, ast.literal_eval(node.args[0]), sum(int(re.RegexFlag[name]) for name in flags)


CALLS = list(calls())


def test_every_expression_is_found() -> None:
    assert len(CALLS) > 25
    assert {where.partition(":")[0] for where, *_ in CALLS} >= {"records/questions.py", "text.py", "slack/words.py"}


@pytest.mark.parametrize("call", CALLS, ids=[where for where, *_ in CALLS])
def test_an_expression_is_done_with_a_hostile_text_at_once(call: tuple[str, str, str | bytes, int]) -> None:
    _, function, pattern, flags = call
    compiled = re.compile(pattern, flags)
    for piece in PIECES:
        run = piece * (LENGTH // len(piece))
        for before in BEFORE:
            text: str | bytes = f"{before}{run}\n!é"
            text = text.encode() if isinstance(pattern, bytes) else text
            started = time.process_time()
            if function in ("match", "fullmatch"):
                getattr(compiled, function)(text)
            else:
                all(compiled.finditer(text))  # wherever it may begin, as `sub` looks for it
            assert time.process_time() - started < LIMIT, (before, piece)
