"""`/v1/snapshots`: the files of a snapshot, for replicas that pull it."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import PlainTextResponse

from api.http.dependencies import Held, caller
from api.http.files import RANGES, ServedFile
from api.http.problems import ANY, documented
from kb.errors import NotFoundError, SnapshotError
from kb.snapshot import MANIFEST, read_manifest

router = APIRouter(
    prefix="/v1/snapshots",
    tags=["operation"],
    dependencies=[Depends(caller("snapshots"))],
    responses=documented(*ANY, 404),
)
_ID = re.compile(r"^[0-9a-f]{16}$")


@router.get("/current", response_class=PlainTextResponse)
def get_current(held: Held) -> str:
    """The id of the snapshot that answers here."""
    return held.current.get().manifest.id


@router.get(
    "/{id}/{name:path}",
    response_class=ServedFile,
    responses=RANGES,
)
def get_file(
    held: Held, id: Annotated[str, Path(max_length=16)], name: Annotated[str, Path(max_length=400)]
) -> ServedFile:
    """A file of a snapshot: its manifest, or one that the manifest names. Ranges are served; the ETag is the file's."""
    folder = held.settings.home / "snapshots" / id
    try:
        known = read_manifest(folder).files if _ID.match(id) else {}
    except SnapshotError:
        known = {}
    if not known or (name != MANIFEST and name not in known):
        raise NotFoundError("There is no such file of a snapshot.", "GET /v1/snapshots/current names the snapshot.")
    return ServedFile(folder / name, media_type="application/octet-stream")
