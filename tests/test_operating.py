"""docs/operating.md: each setting and each metric that there is stands in it once, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
OF_OURS = {"NEKB_SERVE_SETTINGS"}  # set by a server for its own workers
OF_UVICORN = {"FORWARDED_ALLOW_IPS"}
OF_TESTS = {"NEKB_LOAD_SECONDS"}
_SETTING = r"\b(?:NEKB|SLACK)_[A-Z_]+[A-Z]\b"


def sources() -> Iterator[str]:
    """The text of every module of nekb's."""
    for folder in ("kb", "ingest", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path.read_text(encoding="utf-8")


def documented(heading: str) -> list[str]:
    """What the first column of a section's table names."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    columns = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [re.split(r"\{", name)[0] for column in columns for name in re.findall(r"`([^`]+)`", column)]


def settings() -> set[str]:
    """The variables of the environment that nekb reads: each stands in quotes where it is read."""
    quoted = rf'"({_SETTING}|XDG_DATA_HOME)"'
    return {name for text in sources() for name in re.findall(quoted, text)} - OF_OURS | OF_UVICORN


def test_each_setting_is_documented_once_and_each_documented_one_is_read() -> None:
    named = documented("Settings")
    assert sorted(named) == sorted(settings())


def test_no_other_page_names_a_setting_that_there_is_not() -> None:
    of_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")))
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").iterdir(), *ROOT.glob("*.md")]
    named = {name for page in pages for name in re.findall(_SETTING, page.read_text(encoding="utf-8"))}
    assert named - settings() - of_compose - OF_TESTS == set()


def test_each_metric_is_documented_once() -> None:
    made = re.compile(r'(?:Counter|Gauge|Histogram)\(\s*"(\w+)"')
    assert sorted(documented("What to watch")) == sorted(name for text in sources() for name in made.findall(text))
