"""The tables of error codes against Apple's own enumerations, as PyObjC reads them out of the macOS SDK.

The wheels are for macOS and cannot be installed elsewhere; only their metadata is read here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kb.home import shipped_data
from kb.signals import SignalTables
from kb.signals.compiling import compile_tables
from kb.signals.tables import Domain

pytestmark = pytest.mark.slow

FRAMEWORKS = ("NetworkExtension", "SystemExtensions", "Network", "Cocoa")
VERSION = "12.2.2"
_PLATFORM = "macosx_10_9_universal2"
TABLES = SignalTables.from_json(compile_tables(shipped_data()))
# Foundation's, of whose cases the tables hold those that are met here.
IN_PART = {"net-services", "cocoa-xpc", "nsurl"}
# Swift-only or iOS-only enumerations, which the macOS metadata does not carry, and what C headers alone declare.
NOT_IN_METADATA = {
    "ne-url-filter-manager", "ne-hotspot-helper-result", "ne-hotspot-helper-command", "dns-sd", "posix",
}  # fmt: skip


class Metadata:
    """The constants and the enumeration cases of the frameworks."""

    def __init__(self, texts: list[str]) -> None:
        joined = "\n".join(texts)
        self.constants = set(re.findall(r"\$([A-Za-z]\w+Domain)(?=[$@])", joined))
        self.cases = {name: int(value) for name, value in re.findall(r"\$(\w+)@(-?\d+)(?=\$)", joined)}

    def of(self, prefix: str) -> dict[str, int]:
        return {n: v for n, v in self.cases.items() if n.startswith(prefix) and n != prefix}


@pytest.fixture(scope="module")
def apple(tmp_path_factory: pytest.TempPathFactory) -> Metadata:
    folder = tmp_path_factory.mktemp("wheels")
    names = [f"pyobjc-framework-{name}=={VERSION}" for name in FRAMEWORKS]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    where = ["--platform", _PLATFORM, "--python-version", "311", "--dest", str(folder)]
    done = subprocess.run([*command, *where, *names], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        assert "CI" not in os.environ, done.stderr
        pytest.skip(f"the PyObjC wheels cannot be had here: {done.stderr.strip().splitlines()[-1:]}")
    return Metadata([_metadata(wheel) for wheel in sorted(folder.glob("*.whl"))])


def _metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if re.search(r"^(?!AppKit|CoreFoundation)\w+/_metadata\.py$", n))
        return archive.read(name).decode()


def symbol_prefix(domain: Domain) -> str:
    """What the symbols of a domain begin with: `NEVPNError`, `kNEHotspotHelperResult`, `nw_error_domain_`."""
    symbols = [c.symbol for c in domain.cases.values() if c.symbol]
    base = (domain.enum or "").removesuffix("Code")
    return base.removesuffix("_t") + "_" if base.endswith("_t") else base if symbols[0].startswith(base) else "k" + base


ENUMS = [d for d in TABLES.domains.values() if d.enum and d.id not in NOT_IN_METADATA | IN_PART]


def test_the_metadata_is_there_and_carries_every_enumeration(apple: Metadata) -> None:
    assert len(apple.cases) > 200
    assert [d.id for d in ENUMS if not apple.of(symbol_prefix(d))] == []
    assert len(ENUMS) >= 16


@pytest.mark.parametrize("domain", ENUMS, ids=lambda d: d.id)
def test_every_case_has_apples_symbol_and_number_and_none_is_missing(domain: Domain, apple: Metadata) -> None:
    ours = {c.symbol: c.code for c in domain.cases.values() if c.symbol}
    theirs = apple.of(symbol_prefix(domain))
    assert {n: (ours[n], v) for n, v in theirs.items() if n in ours and ours[n] != v} == {}
    assert sorted(set(theirs) - set(ours)) == []


@pytest.mark.parametrize("id", sorted(IN_PART))
def test_the_cases_of_foundation_have_apples_symbols_and_numbers(id: str, apple: Metadata) -> None:
    ours = {c.symbol: c.code for c in TABLES.domains[id].cases.values()}
    assert ours == {symbol: apple.cases.get(str(symbol)) for symbol in ours}


def test_every_domain_constant_is_apples(apple: Metadata) -> None:
    public = {d.domain for d in TABLES.domains.values() if d.enum and d.domain}
    swift_spelled = {"NEAppProxyFlowErrorDomain"}  # what an error prints; the constant is NEAppProxyErrorDomain
    assert public - swift_spelled <= apple.constants
