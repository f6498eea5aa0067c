"""Where things lie: what ships with the package, and what belongs to the user."""

from __future__ import annotations

import os
from pathlib import Path

from kb.errors import NekbError

_PACKAGE = Path(__file__).resolve().parent


def shipped_data() -> Path:
    """The folder `data/`: inside an installed wheel, or beside `kb/` in a checkout."""
    for folder in (_PACKAGE / "_data", _PACKAGE.parent / "data"):
        if (folder / "resources.yaml").is_file():
            return folder
    raise NekbError(
        "The data that ships with nekb is missing.",
        "Install nekb again, or run it from a complete checkout.",
        code="data_missing",
    )


def nekb_home() -> Path:
    """The user's data directory: captures, documents, own cards, snapshots.

    `NEKB_HOME` when set; else `$XDG_DATA_HOME/nekb`, else `~/.local/share/nekb`. A relative `XDG_DATA_HOME` counts as
    none, as its specification wants: it would be another folder wherever nekb is started. Raises `NekbError` where
    nobody knows what `~` stands for, and for a path that is no text, which neither the index nor the records can open.
    """
    explicit, base = os.environ.get("NEKB_HOME"), os.environ.get("XDG_DATA_HOME")
    try:
        if explicit:
            return _readable(Path(explicit).expanduser().absolute())
        root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError as error:  # no such user, or one without a home
        raise NekbError(
            f"There is no home directory for {explicit or '~'}.", "Set NEKB_HOME to a folder of yours.", code="home"
        ) from error
    return _readable(root / "nekb")


def _readable(home: Path) -> Path:
    try:
        str(home).encode()
    except UnicodeEncodeError:
        raise NekbError(
            f"The data directory {os.fsencode(home).decode('utf-8', 'replace')} has a name that cannot be read here.",
            "Set NEKB_HOME to a folder with another name, or LC_ALL to a UTF-8 locale.",
            code="home",
        ) from None
    return home
