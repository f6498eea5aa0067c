"""A file that a command makes: whole or not at all, and never in the place of another."""

from __future__ import annotations

from pathlib import Path

from kb.errors import BadInputError


def write_new(path: Path, text: str, otherwise: str = "Name another file.") -> None:
    """Write a text into a file of its own. One that finds no room is taken away: it would be in the way of the next.

    Raises `BadInputError`, with `otherwise` as its remedy, where something has that name already, and where the file
    cannot be written.
    """
    try:
        file = path.open("x", encoding="utf-8")
        try:
            with file:
                file.write(text)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except FileExistsError as error:
        raise BadInputError(f"{path} cannot be written: it exists.", otherwise, code="exists") from error
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be written: {error.strerror}.",
            "Check that its folder is there and yours, and that the disk has room.",
        ) from error
