"""The watch: nothing missed and nothing sent twice, however often it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from api.addresses import web_address
from api.records import deliveries
from api.records.database import open_database
from api.triage.messages import blocks, digest_message
from api.triage.targets import FileTarget, SendError, SlackTarget, SlackWebhookTarget, WebhookTarget, post
from api.triage.watching import GAP, Watch, only_watch
from ingest.lock import only_writer
from kb.answer import SnapshotInfo
from kb.documents import Document, Post
from kb.errors import BadInputError, NekbError
from kb.snapshot import Snapshot
from kb.triage import Triage, TriagedThread, triage
from tests.api.slack_stub import check_blocks

RUNNER = Path(__file__).with_name("watch_runner.py")
ROOT = Path(__file__).resolve().parents[2]
WINDOW = 60  # items that the feed shows
NEVER = 10**9


class World:
    """A forum with a feed, a webhook and a Slack, on one port of loopback."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.hooked: list[str] = []
        self.posted: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/robots.txt":
                    self.answer(b"User-agent: *\nDisallow: /search/\n", "text/plain")
                else:
                    self.answer(world.feed(), "application/rss+xml")

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                with world.lock:
                    said = world.take(self.path, raw, self.headers.get("idempotency-key", ""))
                self.answer(json.dumps(said).encode(), "application/json")

            def answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the other side was killed
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def grow(self, count: int = 1) -> None:
        for _ in range(count):
            self.threads.append(700_000 + len(self.threads))

    def feed(self) -> bytes:
        items = "".join(
            f"<item><title>Tunnel {n} goes quiet</title><link>https://developer.apple.com/forums/thread/{n}</link>"
            f"<description>My packet tunnel {n} carries nothing after wake.</description>"
            f"<pubDate>{formatdate(1_760_000_000 + n)}</pubDate></item>"
            for n in reversed(self.threads[-WINDOW:])
        )
        head = '<?xml version="1.0"?><rss version="2.0"><channel><title>f</title>'
        return f"{head}<link>https://developer.apple.com/forums/</link>{items}</channel></rss>".encode()

    def take(self, path: str, raw: bytes, key: str) -> dict[str, Any]:
        if path == "/hook":
            assert json.loads(raw)["key"] == key
            self.hooked.append(key)
            return {}
        if path == "/api/chat.postMessage":
            self.posted.append(json.loads(raw))
            return {"ok": True}
        assert path == "/api/conversations.history"
        query = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        start = int(query.get("cursor", "0"))
        page = list(reversed(self.posted))[start : start + 3]  # small pages, so that the cursor is followed
        more = {"next_cursor": str(start + 3)} if start + 3 < len(self.posted) else {}
        return {"ok": True, "messages": page, "response_metadata": more}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Runner:
    """Starts watches one after another, each in a process of its own."""

    def __init__(self, home: Path, world: World, mode: str) -> None:
        self.home, self._world, self._mode = home, world, mode
        environment = os.environ | {"PYTHONPATH": str(ROOT), "NEKB_HOME": str(home)}
        with (home / "watch.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(RUNNER)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )
        self._pid = 0

    def start(self, calls: int) -> None:
        """Start a watch and wait until it begins."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(self.home), self._world.url, self._mode, calls]) + "\n")
        said = [self._line(), self._line()]
        assert "ready" in said, (said, self.log())
        self._pid = int(next(line for line in said if line.startswith("pid ")).removeprefix("pid "))

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        line = self._line()
        assert line.startswith("status "), (line, self.log())
        return int(line.removeprefix("status "))

    def log(self) -> str:
        return (self.home / "watch.log").read_text()[-3000:]

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def clean_run(runner: Runner) -> float:
    """A run that ends by itself; how many seconds it took once it had begun."""
    runner.start(0)
    started = time.monotonic()
    assert runner.wait() == 0, runner.log()
    return time.monotonic() - started


def killed_and_restarted(home: Path, world: World, mode: str, times: int, seed: int) -> None:
    """Half of the kills come after some number of nekb's calls, half at a random moment from outside."""
    dice, runner = random.Random(seed), Runner(home, world, mode)
    world.grow(3)
    clean_run(runner)
    world.grow(1)
    took = clean_run(runner)
    before, lines = list(world.threads)[:3], home / "threads.jsonl"
    for at in range(times):
        waiting = len(world.threads) - len(before) - (len(lines.read_text().splitlines()) if lines.exists() else 0)
        world.grow(dice.randint(0, 2) if waiting < WINDOW // 2 else 0)  # what leaves the feed unseen is lost to anybody
        calls = int(10 ** dice.uniform(2, 4.6)) if at % 2 else NEVER
        runner.start(calls)
        if calls == NEVER:
            time.sleep(dice.uniform(0, 2 * took))
            runner.kill()
        assert runner.wait() == -9, runner.log()
    clean_run(runner)
    runner.close()
    expected = {f"thread-{n}" for n in world.threads if n not in before}
    assert expected
    in_file = Counter(json.loads(line)["key"] for line in lines.read_text().splitlines())
    in_slack = Counter(m["metadata"]["event_payload"]["key"] for m in world.posted)
    hooked = Counter(dict.fromkeys(world.hooked, 1))  # a webhook is told the key, and drops what it has
    for arrived in (in_file, in_slack, hooked):
        assert {key for key in arrived if not key.startswith("digest:")} == expected
        assert set(arrived.values()) == {1}
    print(f"{times} kills, {len(expected)} threads, {len(world.hooked) - len(hooked)} posted to the webhook again")


@pytest.mark.slow
def test_killed_and_restarted_it_misses_nothing_and_sends_nothing_twice(tmp_path: Path, world: World) -> None:
    killed_and_restarted(tmp_path, world, "light", 10, seed=int(os.environ.get("NEKB_TEST_SEED", "7")))


@pytest.mark.slow
def test_killed_and_restarted_a_hundred_times(tmp_path: Path, world: World) -> None:
    killed_and_restarted(tmp_path, world, "light", 100, seed=11)


@pytest.mark.slow
def test_killed_and_restarted_with_the_real_judgement(own_home: Path, world: World) -> None:
    killed_and_restarted(own_home, world, "real", 6, seed=12)


def judged(document: Document) -> Triage:
    thread = TriagedThread(id=document.id, title=document.title, url=document.url, author=None, created=None)
    return Triage(
        thread=thread, topic="relay", outcome="no_match", confidence=0, route="out_of_scope", signals=[], cards=[],
        duplicates=[], left_out=[], draft=None, snapshot=SnapshotInfo(id="-", built_at="-", documents=0, model="-"),
    )  # fmt: skip


def thread(number: int, title: str = "Tunnel") -> Document:
    address = f"https://developer.apple.com/forums/thread/{number}"
    return Document(f"thread-{number}", "feed", "thread", title, (Post("question", "It is quiet."),), address)


class Recorder:
    """A target that does what it is told."""

    key = "recorder"

    def __init__(self) -> None:
        self.got: list[tuple[str, bool]] = []
        self.fail: SendError | None = None

    def send(self, delivery: deliveries.Delivery, message: dict[str, Any]) -> None:
        if self.fail:
            raise self.fail
        self.got.append((message["key"], delivery.in_doubt))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the time that the watch and its records read."""
    import datetime as dt

    from api.triage import watching

    def set_to(moment: str) -> None:
        at = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)

        class Fixed(dt.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return at

        monkeypatch.setattr(watching.dt, "datetime", Fixed)

    return set_to


def test_what_was_there_before_is_not_new(tmp_path: Path) -> None:
    target, feed = Recorder(), [thread(2), thread(1)]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 23)
    assert (watch.look(), watch.deliver()) == (0, 0)
    feed[:0] = [thread(4), thread(3)]
    assert (watch.look(), watch.deliver()) == (2, 2)
    assert [key for key, _ in target.got] == ["thread-3", "thread-4"]  # the oldest first
    assert (watch.look(), watch.deliver(), watch.problem) == (0, 0, None)


def test_a_feed_that_has_moved_on_is_told(tmp_path: Path) -> None:
    feed = [thread(1)]
    watch = Watch(open_database(tmp_path), [Recorder()], lambda: feed, judged, 23)
    watch.look()
    feed[:] = [thread(9), thread(8)]
    assert watch.look() == 2
    assert (watch.problem, watch.code) == (GAP, "gap")


@pytest.mark.parametrize(("arrived", "again"), [(True, True), (False, False)])
def test_a_failure_is_tried_again_and_doubt_is_remembered(tmp_path: Path, arrived: bool, again: bool) -> None:
    target, feed = Recorder(), [thread(1)]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 23)
    watch.look()
    feed.insert(0, thread(2))
    target.fail = SendError("no", arrived=arrived, wait=0.0)
    assert (watch.look(), watch.deliver(), watch.waiting()) == (1, 0, 1)
    target.fail = None
    assert (watch.deliver(), watch.waiting()) == (1, 0)
    assert target.got == [("thread-2", again)]


def test_a_failure_waits_longer_each_time_and_never_gives_up(tmp_path: Path) -> None:
    engine, target, feed = open_database(tmp_path), Recorder(), [thread(1)]
    watch = Watch(engine, [target], lambda: feed, judged, 23)
    watch.look()
    feed.insert(0, thread(2))
    watch.look()
    target.fail = SendError("no")
    assert watch.deliver() == 0
    assert deliveries.due(engine, target.key) == []
    assert watch.waiting() == 1


def test_a_feed_that_cannot_be_had_is_told_and_tried_again(tmp_path: Path) -> None:
    def closed() -> list[Document]:
        raise NekbError("The forum asks for a human.", "Save the page.", code="fetch")

    watch = Watch(open_database(tmp_path), [Recorder()], closed, judged, 23)
    assert watch.look() == 0
    assert (watch.problem, watch.code) == ("The forum asks for a human. Save the page.", "fetch")


def test_a_single_look_that_fails_says_the_code_and_ends_with_2(own_home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "watch", "--once", "--file", str(tmp_path / "out.jsonl")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NEKB_HOME": str(own_home)}
    with only_writer(own_home):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("nekb: Another nekb is ingesting")
    assert done.stderr.endswith(" [busy]\n")


def test_one_digest_a_day_holds_what_came_since_the_last(tmp_path: Path, clock: Callable[[str], None]) -> None:
    target, feed = Recorder(), [thread(1)]
    messages: list[dict[str, Any]] = []
    target.send = lambda delivery, message: messages.append(message)  # type: ignore[method-assign]
    watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 8)
    clock("2026-11-20T07:00:00")
    watch.look()
    feed.insert(0, thread(2))
    watch.look()
    assert (watch.deliver(), watch.deliver()) == (1, 0)
    clock("2026-11-20T08:00:00")
    assert (watch.deliver(), watch.deliver()) == (1, 0)
    digest = messages[-1]
    assert (digest["key"], [t["title"] for t in digest["threads"]]) == ("digest:2026-11-20", ["Tunnel"])
    assert digest["threads"][0]["topic"] == "relay"
    clock("2026-11-22T09:00:00")  # a day was slept through: one digest, and it is empty
    assert (watch.deliver(), watch.deliver()) == (1, 0)
    assert (messages[-1]["key"], messages[-1]["threads"]) == ("digest:2026-11-22", [])


def test_a_gap_is_told_in_the_next_digest_even_after_a_restart(tmp_path: Path, clock: Callable[[str], None]) -> None:
    target, feed = Recorder(), [thread(1)]
    messages: list[dict[str, Any]] = []
    target.send = lambda delivery, message: messages.append(message)  # type: ignore[method-assign]
    clock("2026-11-20T09:00:00")
    for shown in ([thread(1)], [thread(9)], [thread(9)]):
        feed[:] = shown
        watch = Watch(open_database(tmp_path), [target], lambda: feed, judged, 8)
        watch.look()
        watch.deliver()
    clock("2026-11-21T09:00:00")
    watch.deliver()
    assert (messages[-1]["kind"], messages[-1]["problem"]) == ("digest", GAP)
    clock("2026-11-22T09:00:00")
    watch.deliver()
    assert (messages[-1]["key"], messages[-1]["problem"]) == ("digest:2026-11-22", None)


def delivery(in_doubt: bool = False, item: str = "thread-1") -> deliveries.Delivery:
    state = "sending" if in_doubt else "queued"
    return deliveries.Delivery(1, "t", item, state, "2026-11-20T07:00:00+00:00", 0, None, {}, None)


MESSAGE = digest_message("thread-1", {"since": "", "until": "2026-11-20T07:00:00", "threads": [], "problem": None})
LINE = json.dumps(MESSAGE, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("cut", [1, 10, len(LINE) - 1])
def test_a_torn_line_of_a_file_is_written_anew(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text('{"key": "other"}\n' + LINE[:cut])
    FileTarget(file).send(delivery(in_doubt=True), MESSAGE)
    assert file.read_text() == '{"key": "other"}\n' + LINE


def test_a_whole_line_of_a_file_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    FileTarget(file).send(delivery(), MESSAGE)
    FileTarget(file).send(delivery(in_doubt=True), MESSAGE)
    assert file.read_text() == LINE


def test_somebody_elses_unfinished_line_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("my own notes")
    FileTarget(file).send(delivery(), MESSAGE)
    assert file.read_text() == "my own notes\n" + LINE


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_what_is_no_file_is_refused_at_the_start(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/null")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(path))
    with pytest.raises(BadInputError, match="is no file") as raised:
        FileTarget(path)
    assert raised.value.code == "file"


def answering(status: int, body: object = None, seen: list[httpx.Request] | None = None) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if status == 0:
            raise httpx.ReadTimeout("late")
        if status == 1:
            raise httpx.ConnectError("nobody")
        return httpx.Response(status, json=body, headers={"retry-after": "7"})

    return httpx.Client(transport=httpx.MockTransport(handle))


@pytest.mark.parametrize(
    ("status", "arrived", "wait"),
    [(0, True, None), (1, False, None), (500, True, None), (404, False, None), (302, False, None), (429, False, 7.0)],
)
def test_a_webhook_says_whether_the_message_may_have_arrived(status: int, arrived: bool, wait: float | None) -> None:
    secret = "https://hooks.example.com/secret-word"
    with pytest.raises(SendError) as raised:
        WebhookTarget(secret, answering(status)).send(delivery(), MESSAGE)
    assert (raised.value.arrived, raised.value.wait) == (arrived, wait)
    assert "secret" not in raised.value.what
    assert "secret" not in WebhookTarget(secret).key


def test_a_repeat_to_a_webhook_of_slack_says_so() -> None:
    seen: list[httpx.Request] = []
    target = SlackWebhookTarget("https://hooks.example.com/x", answering(200, "ok", seen))
    target.send(delivery(), MESSAGE)
    target.send(delivery(in_doubt=True), MESSAGE)
    assert ["Perhaps a repeat" in request.content.decode() for request in seen] == [False, True]


def test_without_the_scope_to_read_a_repeat_in_a_channel_says_so() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        history = request.url.path.endswith("conversations.history")
        return httpx.Response(200, json={"ok": False, "error": "missing_scope"} if history else {"ok": True})

    client = httpx.Client(transport=httpx.MockTransport(handle))
    SlackTarget("C0WATCHED", "xoxb-stub", client=client).send(delivery(in_doubt=True), MESSAGE)
    assert "Perhaps a repeat" in seen[-1].content.decode()


def test_a_refusal_of_slack_is_told_and_the_thread_waits() -> None:
    client = answering(200, {"ok": False, "error": "not_in_channel"})
    with pytest.raises(SendError, match="not_in_channel") as raised:
        SlackTarget("C0WATCHED", "xoxb-stub", client=client).send(delivery(), MESSAGE)
    assert raised.value.arrived is False


class Odd:
    """A Slack on loopback that takes every message with the answer `said`, and has `history` to show."""

    def __init__(self, said: bytes, history: bytes = b"{}") -> None:
        self.posted: list[str] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"])).decode()
                read = self.path.endswith("conversations.history")
                if not read:
                    odd.posted.append(raw)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(history if read else said)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        api = f"http://127.0.0.1:{self._server.server_address[1]}/api/"
        self.target = SlackTarget("C0WATCHED", "xoxb-stub", api)

    def __enter__(self) -> Odd:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"[]", b"null", b'"x"', b"3", b"", b"<html>", b"\xff", b"[" * 100_000])
def test_an_answer_of_slack_that_is_no_object_is_a_failure_and_may_have_arrived(said: bytes) -> None:
    with Odd(said) as slack, pytest.raises(SendError) as raised:
        slack.target.send(delivery(), MESSAGE)
    assert raised.value.arrived is True


@pytest.mark.parametrize(
    ("history", "posted", "perhaps"),
    [
        (b'{"ok": true, "messages": null}', 1, True),
        (b'{"ok": true}', 1, True),
        (
            b'{"ok": true, "messages": [null, 3, "x", {"metadata": null}, {"metadata": {"event_payload": null}}]}',
            1,
            False,
        ),
        (b'{"ok": true, "messages": [], "response_metadata": null}', 1, False),
        (b'{"ok": true, "messages": [null, {"metadata": {"event_payload": {"key": "thread-1"}}}]}', 0, False),
    ],
)
def test_a_history_that_lacks_what_it_should_hold_is_read_as_far_as_it_goes(
    history: bytes, posted: int, perhaps: bool
) -> None:
    with Odd(b'{"ok": true}', history) as slack:
        slack.target.send(delivery(in_doubt=True), MESSAGE)
    assert len(slack.posted) == posted
    assert any("Perhaps a repeat" in message for message in slack.posted) is perhaps


@pytest.mark.parametrize("token", ["xoxb-secrét", "xoxb-sec\nrét", "xoxb-sec ret", " "])
def test_a_token_that_no_header_can_carry_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(BadInputError) as raised:
        SlackTarget("C0WATCHED", token)
    assert raised.value.code == "slack"
    assert "sec" not in str(raised.value)
    SlackTarget("C0WATCHED", "xoxb-stub\n")  # as `$(cat file)` of other shells leaves it


@pytest.mark.parametrize(
    "address",
    [
        "https://[bad", "https://127.0.0.1:notaport/h", "http://127.0.0.1:99999/h", "https://exa mple.invalid/h",
        f"https://{'a' * 64}.example/h", "https://a..example/h", "https://", "https:///x", "https://a\nb.example/h",
        "https://xn--é.example/h", "https://a.example/\x01",
    ],
)  # fmt: skip
def test_a_mistyped_address_is_refused_at_the_start(address: str) -> None:
    for target in (WebhookTarget, SlackWebhookTarget):
        with pytest.raises(BadInputError) as raised:
            target(address)
        assert raised.value.code == "address"


def test_space_around_an_address_is_no_part_of_it(world: World) -> None:
    clean, padded = WebhookTarget(f"{world.url}/hook"), WebhookTarget(f" {world.url}/hook\n")
    padded.send(delivery(), MESSAGE)
    assert (padded.key, world.hooked) == (clean.key, ["thread-1"])


@pytest.mark.parametrize("address", [f"https://{'a' * 64}.example/h", "https://127.0.0.1:notaport/h"])
def test_an_address_that_cannot_be_asked_for_is_a_failure_to_send(address: str) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(SendError) as raised:
        post(client, address, {}, {})
    assert raised.value.arrived is False


@pytest.mark.parametrize("address", ["http://example.com/x", "ftp://example.com", "file:///etc/passwd", "x"])
def test_nothing_is_sent_in_clear_text_to_another_machine(address: str) -> None:
    with pytest.raises(BadInputError):
        web_address(address)
    assert web_address("http://127.0.0.1:9/x") == "http://127.0.0.1:9/x"


def test_one_watch_a_data_directory(tmp_path: Path) -> None:
    with only_watch(tmp_path), pytest.raises(NekbError, match="Another"), only_watch(tmp_path):
        pass


@pytest.mark.parametrize("text", ["<!channel> @here *x* `y` ```z```", "<https://evil.example|ok>", "&lt;!here&gt;"])
def test_a_thread_of_a_hostile_poster_cannot_ping_or_link(snapshot: Snapshot, text: str) -> None:
    hostile = thread(1, f"{text} code 8 hotspot {text * 90}")
    hostile = Document(**{**hostile.__dict__, "posts": (Post("question", text * 500, author=text),)})
    made = triage(hostile, snapshot)
    shown = blocks({"key": "k", "kind": "thread", "seen_at": "", "triage": made.to_dict()})
    check_blocks(shown)
    for sign in ("<!", "@here", "<https://evil", "<@"):
        assert sign not in json.dumps(shown, ensure_ascii=False).replace("@\u200bhere", "")


def test_every_card_fits_a_triage_message(snapshot: Snapshot) -> None:
    for card in list(snapshot.cards.values())[::4]:
        made = triage(Document("t", "feed", "thread", card.title, (Post("question", card.phrasings[0]),)), snapshot)
        check_blocks(blocks({"key": "k", "kind": "thread", "seen_at": "", "triage": made.to_dict()}))


def test_a_long_digest_fits() -> None:
    threads = [{"title": "<!channel> " + "x" * 300, "url": "https://developer.apple.com/a", "topic": None}] * 300
    check_blocks(blocks(digest_message("d", {"until": "2026-11-20T07:00:00", "threads": threads, "problem": "p"})))


def test_a_digest_names_a_card_by_its_title() -> None:
    line = {"title": "t", "url": None, "topic": "relay", "card": "relay-card", "card_title": "Relays & errors"}
    for content, shown in ((line, "(relay → Relays &amp; errors)"), (line | {"card_title": None}, "→ relay-card)")):
        message = digest_message("d", {"until": "2026-11-20T07:00:00", "threads": [content], "problem": None})
        assert shown in blocks(message)[1]["text"]["text"]
