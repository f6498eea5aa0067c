"""Every command of the README is run: the console blocks by a shell, the two set-up commands by `.ci/run`."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
SERVES = ("nekb serve", "nekb watch")


def commands(block: str) -> list[str]:
    """The lines behind a prompt, with their continuation lines."""
    return [line[2:] for line in block.replace("\\\n", " ").splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def shell(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with what the README's reader has: nekb, a saved page, Apple's `log`; and the environment for it."""
    folder = tmp_path_factory.mktemp("reader")
    tools = folder / "bin"
    tools.mkdir()
    _tool(tools / "nekb", f'exec {sys.executable} -m api.cli "$@"')
    _tool(tools / "log", "echo 'App[512:9001] apply failed: Error Domain=NEHotspotConfigurationErrorDomain Code=8'")
    shutil.copy(ROOT / "tests" / "pages" / "tag-page.txt", folder / "saved-tag-page.txt")
    (folder / "data").symlink_to(ROOT / "data")
    shutil.copytree(home, folder / "home")
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "NEKB_HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT),
    }
    return folder, environment


def _tool(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=[commands(b)[0][:40] if commands(b) else "text" for b in BLOCKS])
def test_a_block_runs_as_it_stands(block: str, shell: tuple[Path, dict[str, str]]) -> None:
    folder, environment = shell
    servers: list[subprocess.Popen[bytes]] = []
    assert commands(block), "a console block without a command shows nothing that can be held"
    try:
        for command in commands(block):
            if command.startswith(SERVES):
                servers.append(
                    subprocess.Popen(command, shell=True, cwd=folder, env=environment, start_new_session=True)
                )
                _wait_for_port(int(m[1]) if (m := re.search(r"--port (\d+)", command)) else 8765)
                continue
            done = subprocess.run(
                command, shell=True, cwd=folder, env=environment, capture_output=True, timeout=180, check=False
            )
            assert done.returncode in (0, 1), f"{command}\n{done.stdout.decode()}\n{done.stderr.decode()}"
            assert b"Traceback" not in done.stderr
    finally:
        for server in servers:
            os.killpg(server.pid, 15)
            server.wait(20)


def _wait_for_port(port: int) -> None:
    for _ in range(300):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"nothing listens on port {port}")


@pytest.mark.slow
def test_the_transcript_is_what_nekb_prints(shell: tuple[Path, dict[str, str]]) -> None:
    folder, environment = shell
    transcript = next(b for b in BLOCKS if b.startswith('$ nekb ask "code 8 hotspot"\n'))
    done = subprocess.run(
        ["nekb", "ask", "code 8 hotspot"],
        cwd=folder,
        env=environment | {"COLUMNS": "100"},
        capture_output=True,
        check=True,
    )
    shown = transcript.split("\n", 1)[1].rstrip().splitlines()
    assert len(shown) > 5
    assert done.stdout.decode().splitlines()[: len(shown)] == shown


def test_the_two_set_up_commands_are_one_line_each() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert len(lines) == 2
    assert lines[0].endswith('.venv/bin/nekb ask "code 8 hotspot"')
    assert lines[1].endswith(".venv/bin/pytest -n 2")
    assert all("-c constraints.txt" in line for line in lines)
