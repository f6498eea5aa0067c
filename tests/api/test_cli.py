"""The command line as a person meets it: real processes, real snapshot."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from kb.answer import Answer
from kb.snapshot import SCHEMA

NEKB = [sys.executable, "-m", "api.cli"]


def nekb(*args: str, home: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"NEKB_HOME": str(home), "COLUMNS": "100"}
    return subprocess.run([*NEKB, *args], input=stdin, capture_output=True, env=environment, timeout=120, check=False)


def test_the_first_question_of_all(home: Path) -> None:
    done = nekb("ask", "code 8 hotspot", home=home)
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert shown.startswith("NEHotspotConfigurationErrorInternal")
    assert "com.apple.developer.networking.HotspotConfiguration" in shown
    assert "https://developer.apple.com/" in shown
    assert "\x1b" not in shown


def test_json_is_the_contract(home: Path) -> None:
    done = nekb("ask", "code 8 hotspot", "--json", home=home)
    answer = Answer.from_json(done.stdout)
    assert answer.guidance[0].id == "hotspot-internal-error-8"
    assert answer.outcome == "answered"
    assert json.loads(done.stdout)["signals"][0]["symbol"] == "NEHotspotConfigurationErrorInternal"


def test_a_log_on_standard_input(home: Path) -> None:
    log = b"""2026-02-03 10:11:12.345 App[512:9001] starting
10:11:12.351 App[512:9001] apply failed: Error Domain=NEHotspotConfigurationErrorDomain Code=8 "internal error."
"""
    answer = Answer.from_json(nekb("ask", "-", "--json", home=home, stdin=log).stdout)
    assert answer.guidance[0].id == "hotspot-internal-error-8"


def test_a_thread_that_was_ingested_is_found(home: Path) -> None:
    done = nekb("ask", "square brackets in the name of my system extension, upload refused", "--json", home=home)
    answer = Answer.from_json(done.stdout)
    assert any("Blue [beta]" in t.title for t in answer.threads)


def test_a_question_that_is_not_ours_ends_with_1(home: Path) -> None:
    done = nekb("ask", "my sourdough bread does not rise", "--json", home=home)
    answer = Answer.from_json(done.stdout)
    assert done.returncode == 1
    assert (answer.outcome, answer.guidance, answer.threads) == ("no_match", [], [])


@pytest.mark.parametrize(
    ("stdin", "says"),
    [(b"", b"empty"), (b"   \n\t ", b"empty"), (bytes(range(256)) * 40, b"binary"), (b"\x00" * 5000, b"empty")],
)
def test_what_is_no_question_is_said_in_a_sentence(home: Path, stdin: bytes, says: bytes) -> None:
    done = nekb("ask", "-", home=home, stdin=stdin)
    assert done.returncode == 2
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "stdin",
    [
        ("nesessionmanager[1:2] in state starting: timed out Error Domain=NEVPNErrorDomain Code=1\n" * 12_000).encode(),
        "что делать, VPN туннель не запускается на iPhone, startTunnel не вызывается".encode(),
        "コンテンツフィルタがTestFlightで動かない".encode(),
        "vpn\udcff broken".encode("utf-8", "surrogateescape"),
    ],
)
def test_enormous_foreign_and_broken_text_is_answered(home: Path, stdin: bytes) -> None:
    done = nekb("ask", "-", "--json", home=home, stdin=stdin)
    assert done.returncode in (0, 1), done.stderr
    Answer.from_json(done.stdout)


def test_escapes_in_a_question_do_not_reach_the_terminal(home: Path) -> None:
    done = nekb("ask", "hotspot code 8 \x1b]0;owned\x07\x1b[2J", "--explain", home=home)
    assert b"\x1b" not in done.stdout + done.stderr


def test_explain_shows_each_leg(home: Path) -> None:
    shown = nekb("ask", "code 8 hotspot", "--explain", home=home).stdout.decode()
    for word in ("dense_max", "lexical_phrasing", "classifier_sparse", "probability", "why:"):
        assert word in shown


def test_limit_bounds_cards_and_threads(home: Path) -> None:
    answer = Answer.from_json(nekb("ask", "vpn tunnel", "--json", "--limit", "1", home=home).stdout)
    assert len(answer.guidance) <= 1
    assert len(answer.threads) <= 1


def test_given_facts_refine_the_answer(home: Path) -> None:
    plain = Answer.from_json(nekb("ask", "content filter permission", "--json", home=home).stdout)
    given = nekb("ask", "content filter permission", "--json", "--with", "platform=macOS", home=home)
    refined = Answer.from_json(given.stdout)
    assert any(s.kind == "platform" and s.value == "macOS" for s in refined.signals)
    assert not any(m.signal == "platform" for m in refined.missing)
    assert plain.query == refined.query


def test_an_unknown_fact_is_refused(home: Path) -> None:
    done = nekb("ask", "x", "--with", "mood=bad", home=home)
    assert done.returncode == 2
    assert b"KEY=VALUE" in done.stderr


def test_an_ask_loads_what_it_needs_and_nothing_heavy(home: Path) -> None:
    code = (
        "import sys\n"
        "from api.cli.main import main\n"
        "try:\n    main(['ask', 'code 8 hotspot'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))\n"
    )
    environment = os.environ | {"NEKB_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, timeout=60, check=True)
    _, *loaded = done.stdout.decode().splitlines()[-1].split()
    ours = {"api", "kb"}
    needed = {"click", "numpy", "onnxruntime", "tantivy", "tokenizers"}
    found = {name for name in loaded if not name.startswith(("_", "sitecustomize", "cython_runtime"))}
    assert found <= ours | needed


def test_help_names_every_command_and_imports_none(home: Path) -> None:
    code = (
        "import sys\nfrom api.cli.main import COMMANDS, main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', [m for m, _, _ in COMMANDS.values() if m in sys.modules], 'pydantic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().splitlines()[-1] == "LOADED [] False"


def test_an_error_code_in_every_domain(home: Path) -> None:
    shown = nekb("error", "8", home=home).stdout.decode()
    for domain in ("NEHotspotConfigurationErrorDomain 8", "OSSystemExtensionErrorDomain 8"):
        assert domain in shown


def test_an_api_that_fails_without_an_error_says_what_it_does_instead(home: Path) -> None:
    done = nekb("error", "CNCopyCurrentNetworkInfo", home=home)
    assert done.stdout.decode().startswith("CNCopyCurrentNetworkInfo fails without an error\n  Gives no error: NULL")
    assert b"-> wifi-fundamentals-api-overview: Which" in done.stdout
    [row] = json.loads(nekb("error", "CNCopyCurrentNetworkInfo", "--json", home=home).stdout)
    assert (row["api"], row["guidance"]) == ("CNCopyCurrentNetworkInfo", ["wifi-fundamentals-api-overview"])


def test_what_holds_for_a_domain_is_told_once(home: Path) -> None:
    shown = nekb("error", "NEAppProxyErrorDomain", home=home).stdout.decode()
    assert shown.count("Shared by the flows of app proxies") == 1


def test_a_snapshot_of_another_schema_is_refused_with_what_to_run(own_home: Path) -> None:
    manifest = next((own_home / "snapshots").glob("*/manifest.json"))
    manifest.write_text(manifest.read_text().replace(f'"schema": {SCHEMA}', '"schema": 999'))
    done = nekb("ask", "code 8 hotspot", home=own_home)
    assert done.returncode == 2
    assert b"schema 999" in done.stderr
    assert b"nekb build" in done.stderr


def test_a_damaged_snapshot_is_refused_with_what_to_run(own_home: Path) -> None:
    model = next((own_home / "snapshots").glob("*/encoder/model.onnx"))
    model.write_bytes(model.read_bytes()[:1000])
    done = nekb("ask", "code 8 hotspot", home=own_home)
    assert done.returncode == 2
    assert b"damaged" in done.stderr
    assert b"nekb build" in done.stderr


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = nekb("build", home=blocked / "home")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["error", "8"], ["ask", "code 8 hotspot"], ["--help"]])
def test_whoever_reads_may_go_away(home: Path, command: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [*NEKB, *command],
            env=os.environ | {"NEKB_HOME": str(home)},
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("streams", "status", "says"),
    [
        ("ask 'code 8 hotspot' > /dev/full", 2, b"No space left on device"),
        ("ask 'code 8 hotspot' >&-", 0, b""),
        ("ask - <&-", 2, b"The question is empty"),
        ("ask - <&- >&- 2>&-", 2, b""),
    ],
)
def test_streams_that_are_full_or_closed_end_in_no_traceback(
    home: Path, streams: str, status: int, says: bytes
) -> None:
    command = f"{sys.executable} -m api.cli {streams}"
    environment = os.environ | {"NEKB_HOME": str(home)}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=False)
    assert done.returncode == status
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_a_person_who_stops_it_ends_it_with_130(home: Path) -> None:
    code = (  # a process in the background is begun with the signal ignored
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from api.cli import ask, main\nprint('ready', flush=True)\nmain.main(['ask', '-'])\n"
    )
    environment = os.environ | {"NEKB_HOME": str(home)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdin=pipe, stdout=pipe, stderr=pipe
    ) as asking:
        assert asking.stdout
        assert asking.stdout.readline() == b"ready\n"
        for _ in range(20):  # again and again: one that comes in the middle of an import may be lost
            try:
                asking.wait(1.5)
                break
            except subprocess.TimeoutExpired:
                asking.send_signal(signal.SIGINT)
        assert asking.returncode == 130
        assert asking.stderr
        assert b"Traceback" not in asking.stderr.read()


@pytest.mark.parametrize("words", [["error", "99999999999999999999999"], ["guidance", "show", "no-such-card"]])
def test_a_name_that_is_not_known_ends_with_1(home: Path, words: list[str]) -> None:
    done = nekb(*words, home=home)
    assert done.returncode == 1
    assert b"[not_found]" in done.stderr


@pytest.mark.parametrize("command", ["keys list", "gaps", "feedback export", "guidance new a-card", "ask x"])
def test_a_home_that_is_a_file_is_said(tmp_path: Path, command: str) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = nekb(*command.split(), home=blocked)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert str(blocked).encode() in done.stderr


def test_a_key_without_a_name_is_not_made(tmp_path: Path) -> None:
    done = nekb("keys", "create", " ", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"A key needs a name." in done.stderr


def test_an_address_in_capitals_is_no_file(tmp_path: Path) -> None:
    for command in ("ingest", "triage"):
        done = nekb(command, "HTTPS://nobody.invalid/forums/thread/7", home=tmp_path)
        assert b"[address]" in done.stderr


@pytest.mark.parametrize("command", ["keys list", "ask x", "ingest page.txt", "status"])
def test_a_home_whose_name_is_no_text_is_said(tmp_path: Path, command: str) -> None:
    done = nekb(*command.split(), home=Path(os.fsdecode(bytes(tmp_path) + b"/nekb-\xff")))
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"[home]" in done.stderr


def test_a_home_of_nobody_is_said(tmp_path: Path) -> None:
    done = nekb("status", home=Path("~nosuchuser/x"))
    assert done.returncode == 2
    assert b"There is no home directory for ~nosuchuser/x" in done.stderr


def test_a_terminal_that_lacks_a_character_shows_the_rest(home: Path) -> None:
    environment = os.environ | {"NEKB_HOME": str(home), "PYTHONIOENCODING": "latin1"}
    command = [*NEKB, "guidance", "show", "include-all-networks"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout


NARROW = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # every stream and argument is ASCII


def test_an_ascii_terminal_with_colours_shows_the_rest(home: Path) -> None:
    assert "\x1b[" in shown(home, **NARROW)


def test_a_question_is_read_where_the_locale_is_ascii(home: Path) -> None:
    command = [*NEKB, "ask", "--json", "код 8 hotspot"]
    done = subprocess.run(command, env=os.environ | NARROW | {"NEKB_HOME": str(home)}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.replace(b"?", b"_"))["guidance"][0]["id"] == "hotspot-internal-error-8"


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (["-[NEHotspotConfigurationManager applyConfiguration:] gives code 8"], None),
        (["error", "-65555", "in DNS"], "error -65555 in DNS"),
        (["-65555"], "-65555"),
        (["--deep codesign and VPN"], None),
    ],
)
def test_a_question_may_begin_with_a_dash(home: Path, words: list[str], query: str | None) -> None:
    done = nekb("ask", *words, "--json", "--with=platform=iOS", home=home)
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(done.stdout)["query"] == (query or words[0])
    assert nekb("ask", *words, "--jsno", home=home).returncode == 2


@pytest.mark.slow
def test_utf_16_with_a_mark_is_read_on_standard_input(home: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be", "utf-8"):
        done = nekb("ask", "-", "--json", home=home, stdin="\ufeffcode 8 hotspot".encode(encoding))
        assert Answer.from_json(done.stdout).query == "code 8 hotspot"


def test_records_that_break_after_they_were_opened_are_said_without_what_was_to_be_kept(tmp_path: Path) -> None:
    assert nekb("keys", "list", home=tmp_path).returncode == 0
    with sqlite3.connect(tmp_path / "records.db") as db:
        db.execute("drop table api_keys")
    done = nekb("keys", "create", "do-not-show", home=tmp_path)
    assert done.returncode == 2
    assert b"[database]" in done.stderr
    assert b"do-not-show" not in done.stderr


def shown(home: Path, **environment: str) -> str:
    """What `nekb ask` writes to a terminal."""
    ours, theirs = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM_PROGRAM")}
    kept |= {"NEKB_HOME": str(home), "COLUMNS": "70", "TERM": "xterm-256color"} | environment
    process = subprocess.Popen([*NEKB, "ask", "code 8 hotspot"], env=kept, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    read = b""
    try:
        while piece := os.read(ours, 65_536):
            read += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.wait(30) == 0
    return read.decode()


@pytest.mark.slow
def test_a_terminal_gets_links_to_click_or_addresses_to_copy(home: Path) -> None:
    address = re.compile(r"(?m)^ +https://developer\.apple\.com/\S+\r?$")
    linked = shown(home)
    assert "\x1b]8;" in linked
    assert not address.search(linked)
    for environment in ({"TERM": "dumb"}, {"NO_COLOR": "1"}):
        plain = shown(home, **environment)
        assert "\x1b" not in plain
        assert address.search(plain)
        assert "`codesign" in plain
    for environment in ({"TERM_PROGRAM": "Apple_Terminal"}, {"TERM": "screen-256color"}):
        coloured = re.sub(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[\d;]*m", "", shown(home, **environment))
        assert address.search(coloured)
