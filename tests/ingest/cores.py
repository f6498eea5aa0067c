"""Long tests in two processes: the same work, from two seeds."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

CORES = 2


def on_each_core(work: Callable[[int], object]) -> None:
    """Do it once a core, each with a seed of its own. What fails in one of them fails here."""
    with ProcessPoolExecutor(CORES, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(work, range(CORES)))


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: a killed process does not lose what it wrote, so no disk is needed."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
