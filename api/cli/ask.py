"""`nekb ask`: a symptom in, the answer out."""

from __future__ import annotations

import codecs
import sys

import click

from api.cli.spoken import Spoken, said
from kb.errors import BadInputError


@click.command(cls=Spoken)
@click.argument("text", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON (version 1 of the contract).")
@click.option("--limit", type=click.IntRange(1, 20), default=5, show_default=True, help="Cards and threads at most.")
@click.option(
    "--with",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A fact the text does not name, such as platform=macOS.",
)
@click.option("--explain", is_flag=True, help="Each leg's score of the first cards, and why.")
def ask(text: tuple[str, ...], as_json: bool, limit: int, given: tuple[str, ...], explain: bool) -> None:
    """Answer TEXT: three words, a question, a pasted log; `-` reads standard input."""
    from api.cli.opening import open_or_build
    from kb import ask as answer_to

    query = read_stdin() if text == ("-",) else said(text)
    facts = parse_given(given)
    snapshot = open_or_build()
    answer = answer_to(query, limit=limit, given=facts, snapshot=snapshot)
    if as_json:
        click.echo(answer.to_json(indent=2))
    else:
        from api.terminal import show

        show(answer)
    if explain:
        from api.cli.explain import explanation

        click.echo(explanation(query, snapshot, facts), err=as_json)
    sys.exit(1 if answer.outcome == "no_match" else 0)


def read_stdin() -> str:
    """Standard input as text: UTF-8, or UTF-16 with a mark, as PowerShell writes; what is neither is replaced."""
    body = sys.stdin.buffer.read()
    marked = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return body.decode("utf-16" if marked else "utf-8-sig", errors="replace")


def parse_given(pairs: tuple[str, ...]) -> dict[str, str]:
    """`platform=macOS` pairs as a mapping. Raises `BadInputError` for an unknown key."""
    from kb.matching.question import GIVEN_KINDS

    facts = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or key not in GIVEN_KINDS or not value.strip():
            raise BadInputError(
                f"--with {pair} is not a fact that nekb reads.",
                f"Write KEY=VALUE with one of {', '.join(GIVEN_KINDS)}.",
            )
        facts[key] = value.strip()
    return facts
