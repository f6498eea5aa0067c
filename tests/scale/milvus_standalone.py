"""Become the Milvus server of the PyPI package `milvus`: `milvus_standalone.py FOLDER PORT [KEY=VALUE...]`.

A key with dots is a path in the server's own configuration.

The process becomes the server, so that whoever started it can stop, freeze and kill the server itself by its id.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from milvus import MilvusServerConfig, _initialize_data_files


def main(folder: Path, port: int, *settings: str) -> None:
    """Write the configuration and unpack the binaries where they are missing, then become the server.

    A restart keeps its configuration: the package would look for free ports anew, and those of a server that was
    killed are not free yet.
    """
    if not (folder / "configs" / "milvus.yaml").is_file():
        config = MilvusServerConfig(data_dir=str(folder), proxy_port=port)
        pairs = [(key, yaml.safe_load(value)) for key, _, value in (s.partition("=") for s in settings)]
        for key, value in pairs:
            if "." not in key:
                config.set(key, value)
        config.resolve()
        own = {key: value for key, value in pairs if "." in key}
        _write_into(folder / "configs" / "milvus.yaml", own | {"etcd.config": {"path": str(_peer_of(folder))}})
        _initialize_data_files(str(folder))
    metrics = _free_port()
    os.chdir(folder)
    environment = os.environ | {
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(metrics),
        "MILVUS_RUN_DIR": str(folder / "run"),
        "LD_LIBRARY_PATH": str(folder / "bin"),
    }
    os.execve(folder / "bin" / "milvus", ["milvus", "run", "standalone"], environment)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _peer_of(folder: Path) -> Path:
    """Settings of the server's own etcd: on its usual port for peers a second server would not start."""
    whole = yaml.safe_load((folder / "configs" / "milvus.yaml").read_text())
    clients, peers = f"http://{whole['etcd']['endpoints']}", f"http://localhost:{_free_port()}"
    file = folder / "configs" / "etcd.yaml"
    names = {"listen-client-urls": clients, "advertise-client-urls": clients, "listen-peer-urls": peers}
    names |= {"initial-advertise-peer-urls": peers, "name": "default", "initial-cluster": f"default={peers}"}
    file.write_text(yaml.safe_dump(names))
    return file


def _write_into(file: Path, settings: Mapping[str, object]) -> None:
    """Set what the package has no name for, by its dotted path in the server's own configuration."""
    whole = yaml.safe_load(file.read_text())
    for path, value in settings.items():
        *parents, last = path.split(".")
        at = whole
        for name in parents:
            at = at[name]
        at[last] = value
    file.write_text(yaml.safe_dump(whole))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
