"""The signal tables carry every fact of the reference lists that stand beside the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from kb.home import shipped_data
from kb.resources import read_resources

SIGNALS = shipped_data() / "signals"


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _cases(table: Any) -> set[tuple[str, int, str | None]]:
    return {(d["id"], int(c["code"]), c.get("symbol")) for d in table["domains"] for c in d["cases"]}


def test_every_error_code_is_in_the_table(shared: Path) -> None:
    facts = _load(shared / "facts" / "error_codes.yaml")
    ours = _cases(_load(SIGNALS / "error_codes.yaml"))
    wanted = _cases(facts)
    assert len(wanted) >= 164
    assert sorted(wanted - ours, key=str) == []


def test_every_private_domain_is_in_the_table(shared: Path) -> None:
    facts = _load(shared / "facts" / "error_codes.yaml")["private_or_adjacent_domains"]
    text = (SIGNALS / "error_codes.yaml").read_text(encoding="utf-8")
    names = [d.get("domain_string") or d.get("domain") or d["id"] for d in facts]
    assert [n for n in names if str(n) not in text] == []


def test_every_entitlement_is_in_the_table(shared: Path) -> None:
    facts = _load(shared / "facts" / "entitlements.yaml")
    text = (SIGNALS / "entitlements.yaml").read_text(encoding="utf-8")
    keys = {e["key"] for e in _walk(facts) if "key" in e}
    assert len(keys) > 10
    assert sorted(k for k in keys if k not in text) == []


def test_every_resource_is_in_the_list_with_its_address(shared: Path) -> None:
    facts = [r for r in _walk(_load(shared / "facts" / "resources.yaml")) if {"title", "url"} <= set(r)]
    ours = read_resources(shipped_data())
    addresses = {r.link.url for r in ours.values()}
    titles = {r.title.casefold() for r in ours.values()}
    assert len(facts) > 50
    assert [r["title"] for r in facts if r["url"] and r["url"] not in addresses] == []
    assert [r["title"] for r in facts if not r["url"] and r["title"].casefold() not in titles] == []


def _walk(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        return [node, *(d for v in node.values() for d in _walk(v))]
    return [d for v in node for d in _walk(v)] if isinstance(node, list) else []
