"""Progress bars on stderr, with rates and the time left; a line a stage where stderr is no terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """`41.2/s`, or nothing yet."""
        return Text(f"{task.speed:,.1f}/s" if task.speed else "", style="progress.data.speed")


class Bars:
    """An `ingest.progress.Progress` shown by rich."""

    def __init__(self, heading: str | None = None) -> None:
        self._console = Console(stderr=True)
        self._terminal = sys.stderr.isatty()
        self._heading = heading
        self._task: TaskID | None = None
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._terminal,
        )

    def __enter__(self) -> Bars:
        if self._heading:
            self._console.print(self._heading, highlight=False)
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        """A stage begins."""
        if not self._terminal:
            self._console.print(f"{name} ({total:,})" if total else name, highlight=False)
            return
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(name, total=total or None)

    def advance(self, done: int) -> None:
        """So many more are done."""
        if self._task is not None:
            self._bars.advance(self._task, done)
