"""What is kept of a long paste: what the person said and what failed, without what stands in every paste."""

from __future__ import annotations

from kb.signals.log import condense

LISTING = """1 extension(s)
--- com.apple.system_extension.network_extension (Go to 'System Settings > General > Login Items & Extensions > \
Network Extensions' to modify these system extension(s))
enabled\tactive\tteamID\tbundleID (version)\tname\t[state]
*\t*\tABCDE12345\tcom.example.filter (1.0/1)\tFilter\t[activated waiting for user]"""


def test_of_a_listing_of_system_extensions_the_rows_are_kept_and_not_its_head() -> None:
    kept = condense(f"My filter does not start.\n{LISTING}")
    assert kept.startswith("My filter does not start.")
    assert "com.example.filter (1.0/1) Filter [activated waiting for user]" in kept
    for noise in ("Go to", "modify", "teamID"):
        assert noise not in kept


def test_what_a_person_says_of_the_settings_is_kept() -> None:
    said = "Go to System Settings to modify these system extension(s), it says (enabled, active), and nothing is there"
    assert condense(said) == said
