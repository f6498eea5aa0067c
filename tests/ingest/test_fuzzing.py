"""Fuzzing led by coverage: no page that it comes to breaks what holds of any page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 20


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="atheris has no wheel for this system")
def test_what_a_fuzzer_finds_in_seconds_breaks_nothing(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    command = [sys.executable, "-m", "tests.ingest.fuzz", str(corpus)]
    options = [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list(tmp_path.glob("crash-*"))
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs
    assert int(runs[1]) > 100
    reached = re.findall(r" cov: (\d+) ", done.stderr)
    assert int(reached[-1]) > 800, "the parsers are not instrumented"
