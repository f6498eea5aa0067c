"""The OpenAPI document is true: generated requests get documented answers of the documented form, and never a 5xx."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.http.app import create_app
from api.http.settings import ServeSettings

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
OWN_NAME = {"Host": "127.0.0.1"}


@contextlib.asynccontextmanager
async def _nothing(_app: Any) -> AsyncIterator[None]:
    yield


@pytest.fixture(scope="module")
def contract(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The app's own document, called in this process."""
    copy = tmp_path_factory.mktemp("contract") / "home"
    shutil.copytree(home, copy)
    app = create_app(ServeSettings(copy, rate="10000000/minute"))
    app.router.lifespan_context = _nothing  # it can run once, and a call in this process starts it each time
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers=OWN_NAME)


def hold(contract: Any, mode: GenerationMode, examples: int) -> int:
    """Call every operation with generated data; how many operations there were."""
    operations = [found.ok() for found in contract.get_all_operations()]
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def one(case: Any) -> None:
            case.call_and_validate(headers=OWN_NAME, excluded_checks=[positive_data_acceptance])

        with contextlib.suppress(Unsatisfiable if mode is GenerationMode.NEGATIVE else ()):  # nothing to get wrong
            one()
    return len(operations)


@pytest.mark.parametrize("mode", MODES)
def test_every_answer_is_documented(contract: Any, mode: GenerationMode) -> None:
    assert hold(contract, mode, 5) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_every_answer_of_many_is_documented(contract: Any, mode: GenerationMode) -> None:
    assert hold(contract, mode, 100) >= 10
