"""Regular expressions that read what comes from outside: none takes longer than the text is long."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

LIMIT = 0.25  # seconds of a processor; a pattern that begins anew at every character takes twice as many or more
PIECES = (
    "a", "a.", "a@", "@a", "a@a", "@a.", "a-", "a+", "é@", "a@a.a+", "_", "A", "aB", "0", "1.", "1.1.1.", ":", ":1",
    "aa:", "/", "/home/", "/Users/a", "*", "**", "**a", "`", "`a", "eyJ", "eyJ-", "-eyJ", "eyJa.", "eyJa.a.",
    "token", "token=", "psk:", "sk-", "-sk_a", "nekb_", "AKIA", "-----BEGIN", "-----BEGIN A", "-----BEGIN A-----",
    "-----END A", "&", "@here", "http://", "<", "<a", "<@A", "<@A|", "<@A|a", "<!", "<#a", "<http://a|", "<b>",
    "set", "set platform", "\x1b", "\x1b[", "\x1b[0", "\x1b]", "\x9b", "\x9b0", "\u200b", " ", "  ", " \t",
    "token ",
)  # fmt: skip
OF_PAGES = (
    "\n", "\n\n", "\r\n", "a: b\r\n", "> ", "> a\n", "```a\n", "thanks ", "[a](", "[[a]", "((((", "{", "}", "\u0301",
    "<!--", "<a href=", "href='a", '="', "data:a;", "://", "step 1, ", "{when: ", "[@a]", "#1 ", "\t", "a_b",
)  # fmt: skip
OF_LOGS = (
    "code ", "error 1 ", "com.a.", "Error Domain=", '"domain": ', "iOS 1", "0x", "-1 ", "错误", "код ", "1: no route ",
    "reason ", "errno ", "(1) ",
)  # fmt: skip
BEFORE = ("", "token ", "eyJa.", "-----BEGIN A-----", "https://", "set platform ")
# What is given a short text only, as the code around it says, or what nobody else can write.
SHORT = {
    "kb/guidance/parse.py": "a card",
    "kb/guidance/consistency.py": "a card",
}


@dataclass(frozen=True)
class Expression:
    """A regular expression where it stands, and whether it is only tried at places that other code chooses."""

    where: str
    pattern: re.Pattern[Any]
    only_there: bool


def files(package: str) -> list[str]:
    """The modules of a package that hold expressions."""
    found = [path for path in sorted((ROOT / package).rglob("*.py")) if "re." in path.read_text(encoding="utf-8")]
    names = [str(path.relative_to(ROOT)) for path in found]
    return [name for name in names if "migrations" not in name and name not in SHORT]


def expressions(name: str) -> Iterator[Expression]:
    """Every expression of a module that is written as one."""
    text = (ROOT / name).read_text(encoding="utf-8")
    module = importlib.import_module(name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
            try:
                yield Expression(f"{name}:{node.lineno}", *_made(node, module, text))
            except NameError:  # put together from what a function is given
                continue


def _made(node: ast.Call, module: Any, text: str) -> tuple[re.Pattern[Any], bool]:
    flags = [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr in re.RegexFlag.__members__]
    written = eval(compile(ast.Expression(node.args[0]), "pattern", "eval"), vars(module))
    pattern = re.compile(written, sum(int(re.RegexFlag[flag]) for flag in flags))
    function = ast.unparse(node.func).removeprefix("re.")
    names = [name for name, value in vars(module).items() if value == pattern] if function == "compile" else []
    uses = {use for name in names for use in re.findall(rf"\b{name}\.(\w+)\(", text)} or {function}
    return pattern, uses <= {"match", "fullmatch"}


@pytest.mark.parametrize("name", ["api/text.py", "kb/signals/codes.py", "ingest/parsing/opening.py"])
def test_every_expression_is_found(name: str) -> None:
    assert name in files(name.partition("/")[0])
    assert len(list(expressions(name))) > 2


def _slow(name: str) -> Any:
    """With so many expressions that they take seconds."""
    return pytest.param(name, marks=pytest.mark.slow) if name == "api/records/redaction.py" else name


@pytest.mark.parametrize("name", [_slow(name) for name in files("api")])
def test_an_expression_is_done_with_a_hostile_text_at_once(name: str) -> None:
    for expression in expressions(name):
        for before in BEFORE:
            _try(expression, PIECES, 30_000, before)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*files("kb"), *files("ingest")])
def test_an_expression_is_done_with_hostile_pages_and_logs_at_once(name: str) -> None:
    for expression in expressions(name):
        _try(expression, (*PIECES, *OF_PAGES, *OF_LOGS), 15_000, "")


def _try(expression: Expression, pieces: tuple[str, ...], length: int, before: str) -> None:
    for piece in pieces:
        text: str | bytes = f"{before}{piece * (length // len(piece))}\n!é"
        text = text.encode() if isinstance(expression.pattern.pattern, bytes) else text
        started = time.process_time()
        if expression.only_there:
            expression.pattern.match(text)
        else:
            all(expression.pattern.finditer(text))  # wherever it may begin, as `sub` looks for it
        assert time.process_time() - started < LIMIT, (expression.where, piece)


def test_what_is_not_tried_is_there() -> None:
    assert all(Path(ROOT / name).is_file() for name in SHORT)
