"""`nekb eval`: figures on labelled questions, beside the plain baselines, in one run."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kb.evaluation.harness import Figures, Judged

_BASELINES = ("tutorial", "bm25", "fusion")


@click.command("eval")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--against", multiple=True, type=click.Choice(_BASELINES), help="A baseline beside nekb; may be repeated."
)
@click.option("--split", type=click.Choice(["tune", "rank", "report"]), help="Only questions of this split.")
@click.option("--plot", type=click.Path(path_type=Path), help="Write the reliability diagram to this PNG.")
@click.option(
    "--wrong",
    is_flag=True,
    help="List the questions whose first card is not an acceptable one; on stderr with --json.",
)
@click.option("--floors", type=click.Path(path_type=Path), help="A JSON file of floors; exit 1 where one is missed.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def evaluate(
    file: Path,
    against: tuple[str, ...],
    split: str | None,
    plot: Path | None,
    wrong: bool,
    floors: Path | None,
    as_json: bool,
) -> None:
    """Measure nekb on the labelled questions of FILE.

    FILE has a JSON object a line, with "id", "query" and "expect": the ids of the cards that are right, the best one
    first; none where the question is out of scope.
    """
    from api.cli.opening import open_or_build
    from kb.evaluation.baselines import baseline
    from kb.evaluation.floors import missed, read_floors
    from kb.evaluation.harness import figures, nekb_system
    from kb.evaluation.questions import check_measurable, read_questions

    questions = read_questions(file, *([split] if split else []))
    pinned = read_floors(floors) if floors else {}
    snapshot = open_or_build()
    check_measurable(questions, snapshot.cards)
    systems = {"nekb": nekb_system(snapshot)} | {name: baseline(name, snapshot) for name in against}
    judged = {name: [system(q) for q in questions] for name, system in systems.items()}
    found = {name: figures(rows, calibrated=name == "nekb") for name, rows in judged.items()}
    _tell(found, judged["nekb"], wrong=wrong, as_json=as_json)
    below = missed(pinned, flat(found["nekb"]))
    for line in below:
        click.echo(f"below the floor: {line}", err=True)
    if plot:
        from kb.evaluation.plot import reliability_diagram

        reliability_diagram(found["nekb"].bins, plot)
    if below:
        sys.exit(1)


def _tell(found: dict[str, Figures], judged: list[Judged], *, wrong: bool, as_json: bool) -> None:
    """The figures on standard output; what is `wrong` below them, or on stderr where they are JSON."""
    if as_json:
        click.echo(json.dumps({name: flat(f) for name, f in found.items()}, indent=2))
    else:
        _show(found, judged)
    if wrong:
        _show_wrong(judged, err=as_json)


def flat(f: Figures) -> dict[str, Any]:
    """Figures by name, the ranking ones with their interval; none that the questions do not give."""
    spread = {**f.ranking, "turned away": f.turned_away, "wrongly turned away": f.wrongly_turned_away}
    out: dict[str, Any] = {
        name: {"value": x.value, "low": x.low, "high": x.high} for name, x in spread.items() if x.count
    }
    singles = {"AUC": f.auc, "ECE": f.calibration_error, "signals F1": f.signals_f1}
    out |= {name: {"value": x} for name, x in singles.items() if x is not None and not math.isnan(x)}
    return out | {"questions": f.count}


def _show(found: dict[str, Figures], judged: list[Judged]) -> None:
    from kb.evaluation.harness import by

    names = list(found["nekb"].ranking)
    click.echo(f"{found['nekb'].count} questions; 95 % intervals from a bootstrap over questions")
    click.echo(f"{'':<12}" + "".join(f"{name:>24}" for name in [*names, "AUC"]))
    for system, f in found.items():
        click.echo(f"{system:<12}" + "".join(f"{f.ranking[n]!s:>24}" for n in names) + f"{f.auc:>24.3f}")
    f = found["nekb"]
    click.echo(f"\nout of scope, turned away: {f.turned_away} ({f.turned_away.count} questions)")
    click.echo(f"in scope, turned away:     {f.wrongly_turned_away} ({f.wrongly_turned_away.count} questions)")
    click.echo(f"expected calibration error: {f.calibration_error:.3f}")
    if f.signals_f1 is not None:
        click.echo(f"signals F1: {f.signals_f1:.3f}")
    for title, groups in (("style", by(judged, lambda q: q.style)), ("topic", by(judged, lambda q: q.topic))):
        click.echo(f"\nby {title:<28}{'n':>5}{'hit@1':>8}{'hit@3':>8}{'turned away':>13}")
        for name, g in groups.items():
            away = g.turned_away if g.turned_away.count else g.wrongly_turned_away
            click.echo(f"   {name:<28}{g.count:>5}{_short(g, 'hit@1')}{_short(g, 'hit@3')}{away.value:>13.2f}")


def _short(f: Figures, name: str) -> str:
    value = f.ranking[name].value
    return f"{'-' if math.isnan(value) else f'{value:.2f}':>8}"


def _show_wrong(judged: list[Judged], *, err: bool) -> None:
    from api.text import one_line

    click.echo("", err=err)
    for j in judged:
        bad = (
            j.ranked[0] not in j.question.expect or j.outcome == "no_match"
            if j.question.in_scope
            else j.outcome != "no_match"
        )
        if bad:
            wanted = ", ".join(j.question.expect) or "nothing"
            got = ", ".join(j.ranked[:3])
            click.echo(f"{j.question.id} [{j.outcome} {j.score:.2f}] got {got}; wanted {wanted}", err=err)
            click.echo(f"    {one_line(j.question.query)[:200]}", err=err)
