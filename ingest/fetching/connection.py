"""A client whose exchanges are bounded as a whole, and the bodies that come: bytes on the wire, unpacked, seconds.

The timeouts of httpx bound each step alone; a server that sends a byte of its headers now and then could hold a run
for hours. Only a cancelled task ends such an exchange wherever it stands, so it runs in an event loop of its own.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

import httpx

from ingest.fetching.outcome import FetchError

MAX_WIRE = 8 << 20
MAX_UNPACKED = 16 << 20
MAX_SECONDS = 120.0


class CutError(Exception):
    """The exchange broke off; asking again may help."""


@dataclass(frozen=True)
class Answer:
    """What a server answered. `body` is that of a 200; of no other status is it read."""

    status: int
    headers: httpx.Headers
    body: bytes


class Connection:
    """One connection at a time; belongs to the thread that uses it. `transport` is for tests."""

    def __init__(
        self, headers: dict[str, str], *, seconds: float, read_timeout: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._seconds = seconds
        self._loop = asyncio.Runner()
        self._client = httpx.AsyncClient(
            headers=headers, timeout=httpx.Timeout(read_timeout, connect=10.0),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            follow_redirects=False, trust_env=False, transport=transport,
        )  # fmt: skip

    def close(self) -> None:
        """Close it."""
        self._loop.run(self._client.aclose())
        self._loop.close()

    def get(self, address: str, headers: dict[str, str]) -> Answer:
        """Ask for an address. Raises `CutError` for what may pass, `FetchError` for what is beyond the bounds."""
        try:
            return self._loop.run(self._exchange(address, headers))
        except TimeoutError as error:
            raise FetchError(f"it took longer than {self._seconds:.0f} s") from error
        except httpx.TransportError as error:
            raise CutError(f"{type(error).__name__}: {error}"[:200]) from error
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            raise FetchError(f"{type(error).__name__}: {error}"[:200]) from error

    async def _exchange(self, address: str, headers: dict[str, str]) -> Answer:
        async with (
            asyncio.timeout(self._seconds),
            self._client.stream("GET", address, headers=headers) as response,
        ):
            body = await _body(response) if response.status_code == 200 else b""
            return Answer(response.status_code, response.headers, body)


async def _body(response: httpx.Response) -> bytes:
    """The unpacked body. Unpacking happens here and not in httpx, piece by piece: a small bomb cannot fill memory."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate", ""):
        raise FetchError(f"it came in an encoding that was not asked for ({encoding[:20]})")
    unpacker = None if encoding in ("identity", "") else _Unpacker(gzip="gzip" in encoding)
    wire, out = 0, bytearray()
    async for chunk in response.aiter_raw():
        wire += len(chunk)
        if wire > MAX_WIRE:
            raise FetchError(f"it is larger than {MAX_WIRE >> 20} MiB")
        out += unpacker.unpack(chunk, MAX_UNPACKED - len(out)) if unpacker else chunk
        if len(out) > MAX_UNPACKED:
            raise FetchError(f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
    if unpacker and wire and not unpacker.whole:
        raise CutError("the compressed body ended too early")
    return bytes(out)


class _Unpacker:
    """What gzip or deflate packed. Gzip may come in several members, one after another (RFC 1952, 2.2)."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip, self._ended = gzip, False
        self._member = self._next()

    @property
    def whole(self) -> bool:
        """Whether nothing is missing at the end."""
        return self._member.eof

    def unpack(self, chunk: bytes, room: int) -> bytes:
        """The next piece. Raises `CutError` where it is damaged, and `FetchError` for more than there is room for."""
        out = bytearray()
        while chunk and not self._ended:
            if self._member.eof:
                self._ended = not (self._gzip and chunk.startswith(b"\x1f"))  # what else follows is padding
                self._member = self._member if self._ended else self._next()
                continue
            try:
                out += self._member.decompress(chunk, room - len(out) + 1)
            except zlib.error as error:
                raise CutError(f"the compressed body is damaged: {error}") from error
            if self._member.unconsumed_tail or len(out) > room:
                raise FetchError(f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
            chunk = self._member.unused_data
        return bytes(out)

    def _next(self) -> zlib._Decompress:
        return zlib.decompressobj(47 if self._gzip else 15)
