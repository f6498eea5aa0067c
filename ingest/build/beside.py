"""Work beside other work, in a thread that nobody waits for once the build has failed or was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from threading import enumerate as threads
from typing import TypeVar

T = TypeVar("T")
_NAME = "nekb-beside"


def beside(work: Callable[[], T]) -> Future[T]:
    """Begin some work; its result, or what it raised, is to be had of the future.

    An executor's threads are waited for when the process ends, and a training cannot be told to stop: whoever presses
    Ctrl-C would wait for it.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, name=_NAME, daemon=True).start()
    return done


def still_at_work() -> bool:
    """Whether some of it goes on: an interpreter that ends then ends the thread inside torch, which aborts."""
    return any(thread.name == _NAME for thread in threads())
