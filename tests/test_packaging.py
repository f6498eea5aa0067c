"""What ships: `data/` is found from a checkout and from an installed wheel; versions and pins agree."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

import kb
from kb.home import shipped_data

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_data_is_found_in_a_checkout() -> None:
    assert shipped_data() == ROOT / "data"


def test_the_version_is_said_once_and_the_same() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{kb.__version__}"' in project


def test_the_pins_name_no_address_and_hold_every_direct_dependency() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in pins
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in pins.splitlines() if "==" in line}
    assert set().union(*declared().values()) <= pinned


def declared() -> dict[str, set[str]]:
    """The names of the packages that each extra asks for, and under "" those that every install has."""
    lists = {"": PROJECT["project"]["dependencies"]} | PROJECT["project"]["optional-dependencies"]
    return {extra: {spelled(re.split(r"[><=;\[ ]", name)[0]) for name in names} for extra, names in lists.items()}


def spelled(name: str) -> str:
    """A package's name as an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*folders: str) -> dict[str, str]:
    """Each name outside Python and this checkout that files of the folders import, with one of the files."""
    known = {*sys.stdlib_module_names, "kb", "ingest", "api", "tests"}
    found: dict[str, str] = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.partition(".")[0]: str(path) for name in names}
    return {name: path for name, path in found.items() if name not in known}


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (("kb", "ingest", "api"), ("", "eval", "milvus", "postgresql")),
        (("tests",), ("", "bench", "eval", "milvus", "postgresql", "servers", "test")),
    ],
)
def test_what_is_imported_is_declared(folders: tuple[str, ...], extras: tuple[str, ...]) -> None:
    """What only comes along with another package may go away with it; one that is not installed has its own name."""
    given = set().union(*(declared()[extra] for extra in extras))
    provided = packages_distributions()
    missing = {
        name: path
        for name, path in imported(*folders).items()
        if not given & {spelled(each) for each in provided.get(name, [name])}
    }
    assert not missing


def test_a_wheel_takes_along_all_of_the_data_but_the_evaluation() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shipped = {path.name for path in (ROOT / "data").iterdir()} - {"evaluation"}
    assert included == {f"data/{name}": f"kb/_data/{name}" for name in shipped}


@pytest.mark.parametrize(("file", "line"), [(".gitignore", ".env"), (".dockerignore", "**/.env")])
def test_an_operators_secrets_are_in_no_commit_no_sdist_and_no_image(file: str, line: str) -> None:
    """`deploy/.env` lies in the checkout; hatchling keeps out of an sdist what git ignores."""
    assert line in (ROOT / file).read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_data_is_found_in_an_installed_wheel(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True, timeout=300)
    wheel = next(tmp_path.glob("nekb-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "kb/_data/guidance/hotspot-internal-error-8.md" in names
    assert {"api/web/templates/ask.html", "api/web/static/nekb.css", "api/web/static/nekb.js"} <= set(names)
    assert not [n for n in names if n.startswith(("tests/", "data/", "docs/", "kb/_data/evaluation/"))]
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
