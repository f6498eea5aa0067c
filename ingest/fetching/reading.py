"""Reading a response within bounds: bytes on the wire, bytes unpacked, and seconds."""

from __future__ import annotations

import time
import zlib

import httpx

from ingest.fetching.outcome import FetchError

MAX_WIRE = 8 << 20
MAX_UNPACKED = 16 << 20
MAX_SECONDS = 120.0


class CutError(Exception):
    """The body ended too early; asking again may help."""


def read_body(response: httpx.Response, seconds: float = MAX_SECONDS) -> bytes:
    """The unpacked body of an open response. Raises `FetchError` beyond the bounds and `CutError` for a cut body.

    Unpacking happens here and not in httpx, a bounded piece at a time, so that a small bomb cannot fill the memory.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate", ""):
        raise FetchError(f"it came in an encoding that was not asked for ({encoding[:20]})")
    unpacker = None if encoding in ("identity", "") else zlib.decompressobj(47 if "gzip" in encoding else 15)
    began, wire, out = time.monotonic(), 0, bytearray()
    for chunk in response.iter_raw():  # as it comes in, so that a drip is seen to be one
        wire += len(chunk)
        if wire > MAX_WIRE:
            raise FetchError(f"it is larger than {MAX_WIRE >> 20} MiB")
        if time.monotonic() - began > seconds:
            raise FetchError(f"it took longer than {seconds:.0f} s")
        out += _unpack(unpacker, chunk, MAX_UNPACKED - len(out)) if unpacker else chunk
        if len(out) > MAX_UNPACKED:
            raise FetchError(f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
    if unpacker and wire and not unpacker.eof:
        raise CutError("the compressed body ended too early")
    return bytes(out)


def _unpack(unpacker: zlib._Decompress, chunk: bytes, room: int) -> bytes:
    try:
        piece = unpacker.decompress(chunk, room + 1)
    except zlib.error as error:
        raise CutError(f"the compressed body is damaged: {error}") from error
    if unpacker.unconsumed_tail:
        raise FetchError(f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
    return piece
