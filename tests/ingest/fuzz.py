"""Fuzzing what reads pages, led by coverage (atheris): `python -m tests.ingest.fuzz [FOLDER] [OPTIONS OF LIBFUZZER]`.

An input is a byte that chooses the address a page is said to have, then the page. What breaks a promise that holds of
any page is left as `crash-*`, to become a case of `test_fuzzing.py`.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ingest"]):
    from tests.ingest.pages import read
    from tests.ingest.test_mutations import MUTATIONS, SEEDS, check

    for page, address in SEEDS:  # what is only imported when it is needed is needed here
        read(page, address)

ADDRESSES = [*sorted({address for _, address in SEEDS if address}), None]
LONGEST = 16_000


def one_page(data: bytes) -> None:
    """What holds of any page, of this one."""
    check(read(data[1:], ADDRESSES[data[0] % len(ADDRESSES)] if data else None))


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """As libFuzzer does it half of the time, else as a site's change or a cut file would."""
    draw = random.Random(seed)
    if draw.random() < 0.5 or len(data) < 2:
        return bytes(atheris.Mutate(data, longest))
    return data[:1] + draw.choice(MUTATIONS)(data[1:], draw)[: longest - 1]


def write_seeds(folder: Path) -> None:
    """One file a page of the tests."""
    for number, (page, address) in enumerate(SEEDS):
        (folder / f"seed-{number}").write_bytes(bytes([ADDRESSES.index(address)]) + page)


def main() -> None:
    """Fuzz until told to stop."""
    given = [a for a in sys.argv[1:] if not a.startswith("-")]
    folder = Path(given[0] if given else tempfile.mkdtemp())
    write_seeds(folder)
    options = [a for a in sys.argv[1:] if a.startswith("-")]
    atheris.Setup([sys.argv[0], f"-max_len={LONGEST}", "-timeout=30", *options, str(folder)], one_page,
                  custom_mutator=mutate)  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
