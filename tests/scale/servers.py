"""Servers that tests start, freeze and kill: Milvus and PostgreSQL, each from a PyPI package, each in a process."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

from kb.milvus import MilvusAddress, connect
from tests.api.conftest import free_port

STANDALONE = Path(__file__).parent / "milvus_standalone.py"
_PASSWORD = "a-password-of-the-tests"


class Milvus:
    """A Milvus server with authorization on, whose process the tests hold by its id.

    Version 2.3 listens on every interface and cannot be told not to; nobody gets in without the password.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self._folder = folder
        self._settings = ("authorization_enabled=true", *settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.token = f"root:{_PASSWORD}"
        self.start()
        first = connect(MilvusAddress("127.0.0.1", self.port, False, "root:Milvus"), 30)
        first.update_password("root", "Milvus", _PASSWORD)
        first.close()

    @property
    def url(self) -> str:
        """The address as `NEKB_VECTORS` has it."""
        return f"milvus://127.0.0.1:{self.port}"

    @property
    def address(self) -> MilvusAddress:
        """The address with its token."""
        return MilvusAddress("127.0.0.1", self.port, False, self.token)

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def stopped(self) -> bool:
        """Whether the server's process has ended."""
        return self._process is None or self._process.poll() is not None

    def start(self, within: float = 120) -> None:
        """Start the server, or start it again on the same data; returns when it takes calls."""
        log = (self._folder.parent / f"{self._folder.name}.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, str(STANDALONE), str(self._folder), str(self.port), *self._settings],
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self._folder.parent / f"{self._folder.name}.log").read_text()[-2000:]
            for token in (self.token, "root:Milvus"):
                try:
                    client = connect(MilvusAddress("127.0.0.1", self.port, False, token), 5)
                    client.list_collections(timeout=5)
                    client.close()
                except Exception:
                    time.sleep(0.3)
                else:
                    return
        raise AssertionError("Milvus did not start")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server itself."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it without warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=30)


class Between:
    """A relay on loopback that can be made slow or to answer rubbish; with a TLS context it takes TLS and relays plain.

    Such a context offers HTTP/2, without which gRPC does not talk.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._tls = tls
        self.delay = 0.0
        self.rubbish = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                near = self._tls.wrap_socket(near, server_side=True) if self._tls else near
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # a client that does not trust the certificate, or a server that is away
                near.close()
                continue
            for source, sink, answers in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._relay, args=(source, sink, answers), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65_536):
                time.sleep(self.delay)
                sink.sendall(b"HTTP/1.1 500 no\r\n\r\n" if answers and self.rubbish else data)
        except OSError:
            pass
        finally:
            source.close()
            sink.close()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()
