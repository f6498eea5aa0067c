"""Files as answers, whole or in ranges."""

from __future__ import annotations

from typing import Any

from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from api.http.problems import HttpProblem, documented

_KINDS: dict[str, Any] = {"application/octet-stream": {}}
RANGES: dict[int | str, dict[str, Any]] = {
    200: {"content": _KINDS, "description": "The file"},
    206: {"content": _KINDS | {"multipart/byteranges": {}}, "description": "The ranges that were asked for"},
    **documented(416),
}


class ServedFile(FileResponse):
    """A file. A range that it does not have, or that cannot be read, is refused as a problem like all else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file. Raises `HttpProblem` before anything is sent."""

        async def sound(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                raise _refused(message)
            await send(message)

        await super().__call__(scope, receive, sound)


def _refused(answer: Message) -> HttpProblem:
    """What Starlette refuses in plain text."""
    if answer["status"] == 400:
        return HttpProblem(400, "range", "The Range header cannot be read.", "Write it as `bytes=0-1023`.")
    beyond = Headers(raw=answer["headers"])["content-range"]
    size = beyond.rpartition("/")[2]
    sentence = f"The file has {size} bytes, and the range begins after them."
    return HttpProblem(416, "range", sentence, "Ask for a range within the file.", {"Content-Range": beyond})
