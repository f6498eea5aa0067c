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

    `NEKB_HOME` when set; else `$XDG_DATA_HOME/nekb`, else `~/.local/share/nekb`. Raises `NekbError` where nobody knows
    what `~` stands for, and for a name that the libraries which read a snapshot could not open.
    """
    home = _named_home()
    try:
        str(home).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(home).decode("utf-8", "replace")
        raise NekbError(
            f"The name of the data directory {shown} is not valid UTF-8.",
            "Set NEKB_HOME to a folder with another name.",
            code="home",
        ) from error
    return home


def _named_home() -> Path:
    explicit, base = os.environ.get("NEKB_HOME"), os.environ.get("XDG_DATA_HOME")
    try:
        if explicit:
            return Path(explicit).expanduser().absolute()
        root = Path(base) if base else Path.home() / ".local" / "share"
    except RuntimeError as error:  # no such user, or one without a home
        raise NekbError(
            f"There is no home directory for {explicit or '~'}.", "Set NEKB_HOME to a folder of yours.", code="home"
        ) from error
    return root / "nekb"
