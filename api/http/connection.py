"""A connection, bounded where no route can look: before the head of a request is whole.

The parser keeps what it has read of a head, and puts a long header together anew with each piece that comes: a single
header of 300 MB took 600 MB, and five minutes in which nobody was answered. Nor does it end a connection that says
nothing, or a byte a minute, for as long as its client likes.
"""

from __future__ import annotations

import asyncio

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.problems import MEDIA_TYPE, Problem, document

log = structlog.get_logger("nekb.connection")
LONGEST_HEAD = 64 << 10  # bytes: the request line and the headers; what stands between the parts of a body as well
PATIENCE = 20.0  # seconds in which a head has to be whole, as a request has to be answered (`ServeSettings.timeout`)


class Connection(HttpToolsProtocol):
    """uvicorn's, with a bound on the length of a head and on its time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here, and has begun to be waited for."""
        super().connection_made(transport)
        self._pending = 0  # bytes since the last whole head or part of a body
        self._deadline: asyncio.TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, never more at a time than a head may still have."""
        at = 0
        while at < len(data) and not self.transport.is_closing():
            piece = data[at : at + LONGEST_HEAD - self._pending]
            at += len(piece)
            self._pending += len(piece)
            super().data_received(piece)
            if self._pending >= LONGEST_HEAD:
                self._refuse(document(431, "head", "The address and the headers of the request are too long.",
                                      "Send a long question as the body of POST /v1/ask."))  # fmt: skip

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._pending = 0
        self._head_came()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body came; how much of it may come is the app's to say."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._pending = 0
        super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client says no more; whether it is still answered: who asked a whole question may be reading."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        return True

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, as a problem like all else."""
        self._answer(document(400, "http", msg, "Send a request of HTTP/1.1."))

    def on_response_complete(self) -> None:
        """A request is answered; one that was refused may have more of a body that nobody waits for any longer."""
        super().on_response_complete()
        if self.cycle.more_body:
            self._await_head()

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(PATIENCE, self._too_late)

    def _too_late(self) -> None:
        """Give the client up, unless it waits for us: then nothing is read of it."""
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self._await_head()

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, problem: Problem) -> None:
        if self.transport.is_closing():
            return
        log.warning("refused", code=problem.code, status=problem.status)
        self._answer(problem)

    def _answer(self, problem: Problem) -> None:
        """The last that this client is told; nothing, where another answer is on its way."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not (cycle.response_started or self.pipeline):
            body = problem.model_dump_json().encode()
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
        self.transport.close()
