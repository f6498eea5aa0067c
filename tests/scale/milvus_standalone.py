"""Become the Milvus server of the PyPI package `milvus`: `milvus_standalone.py FOLDER PORT [KEY=VALUE...]`.

The process becomes the server, so that whoever started it can stop, freeze and kill the server itself by its id.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from milvus import MilvusServerConfig, _initialize_data_files


def main(folder: Path, port: int, *settings: str) -> None:
    """Write the configuration and unpack the binaries where they are missing, then become the server.

    A restart keeps its configuration: the package would look for free ports anew, and those of a server that was
    killed are not free yet.
    """
    if not (folder / "configs" / "milvus.yaml").is_file():
        config = MilvusServerConfig(data_dir=str(folder), proxy_port=port)
        for key, _, value in (s.partition("=") for s in settings):
            config.set(key, value == "true" if value in ("true", "false") else value)
        config.resolve()
        _initialize_data_files(str(folder))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        metrics = probe.getsockname()[1]
    os.chdir(folder)
    environment = os.environ | {
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(metrics),
        "MILVUS_RUN_DIR": str(folder / "run"),
        "LD_LIBRARY_PATH": str(folder / "bin"),
    }
    os.execve(folder / "bin" / "milvus", ["milvus", "run", "standalone"], environment)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
