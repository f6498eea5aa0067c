"""What ships: `data/` is found from a checkout and from an installed wheel; versions and pins agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import kb
from kb.home import shipped_data

ROOT = Path(__file__).resolve().parents[1]


def test_data_is_found_in_a_checkout() -> None:
    assert shipped_data() == ROOT / "data"


def test_the_version_is_said_once_and_the_same() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{kb.__version__}"' in project


def test_the_pins_name_no_address_and_hold_every_direct_dependency() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in pins
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in pins.splitlines() if "==" in line}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = project.split("dependencies = [", 1)[1].split("]", 1)[0]
    wanted = {re.split(r"[><=\[]", name)[0].lower() for name in re.findall(r'"([^"]+)"', block)}
    assert wanted <= pinned


@pytest.mark.slow
def test_data_is_found_in_an_installed_wheel(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True, timeout=300)
    wheel = next(tmp_path.glob("nekb-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "kb/_data/guidance/hotspot-internal-error-8.md" in names
    assert {"api/web/templates/ask.html", "api/web/static/nekb.css", "api/web/static/nekb.js"} <= set(names)
    assert not [n for n in names if n.startswith(("tests/", "data/", "docs/"))]
    target = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True, timeout=300)
    code = "import kb, kb.home; print(kb.__file__); print(kb.home.shipped_data())"
    environment = os.environ | {"PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    where, data = done.stdout.split()
    assert Path(where).is_relative_to(target)
    assert Path(data) == target / "kb" / "_data"
