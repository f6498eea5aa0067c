"""The circuit breaker: who may call when, and what closes it again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kb.circuit import Circuit


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_opens_after_so_many_failures_in_a_row_and_lets_one_trial_through() -> None:
    clock = Clock()
    circuit = Circuit(3, 5.0, clock)
    for _ in range(2):
        assert circuit.enter()
        assert not circuit.failed()
    circuit.succeeded()
    for last in (False, False, True):
        assert circuit.enter()
        assert circuit.failed() is last
    assert circuit.open
    assert not circuit.enter()
    clock.now = 5.0
    assert circuit.enter()
    assert not circuit.enter(), "one trial at a time"
    circuit.failed()
    assert not circuit.enter(), "a failed trial rests anew"
    clock.now = 10.3
    assert circuit.enter()
    circuit.succeeded()
    assert not circuit.open
    assert circuit.enter()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 4)), max_size=60))
def test_never_stays_open_once_a_call_came_back(calls: list[tuple[bool, float]]) -> None:
    clock = Clock()
    circuit = Circuit(2, 3.0, clock)
    for works, pause in calls:
        clock.now += pause
        if circuit.enter():
            circuit.succeeded() if works else circuit.failed()
            assert not (works and circuit.open)
    clock.now += 3.001
    assert circuit.enter(), "after a rest there is always a trial"
