"""Where the data directory lies, whatever the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.home import nekb_home


@pytest.mark.parametrize(
    ("named", "base", "home"),
    [
        ("/srv/nekb", "/var/lib", "/srv/nekb"),
        ("", "/var/lib", "/var/lib/nekb"),
        ("", "", "/home/someone/.local/share/nekb"),
        ("", "data", "/home/someone/.local/share/nekb"),
        ("", "~/data", "/home/someone/.local/share/nekb"),
        ("~/kept", "", "/home/someone/kept"),
    ],
)
def test_the_data_directory_is_the_same_wherever_nekb_is_started(
    named: str, base: str, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative `XDG_DATA_HOME` is to be ignored by its specification; `NEKB_HOME` is ours, and may be relative."""
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("NEKB_HOME", named)
    monkeypatch.setenv("XDG_DATA_HOME", base)
    assert nekb_home() == Path(home)
