"""Compiling the signal tables: from `data/signals/*.yaml` into the one JSON object that a snapshot keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kb.errors import GuidanceError
from kb.signals.tables import PLATFORMS, TELL


def compile_tables(data: Path) -> dict[str, Any]:
    """Read every table of `data/signals/` into the form that a snapshot keeps.

    Raises `GuidanceError` when a table is missing or not well formed.
    """
    folder = data / "signals"
    errors = _load(folder / "error_codes.yaml")
    platforms = _load(folder / "platforms.yaml")
    spoken = _load(folder / "context.yaml")
    words: dict[str, dict[str, Any]] = {}
    phrases: dict[str, dict[str, Any]] = {}
    names: dict[str, set[str]] = {}
    foreign = _load(folder / "foreign.yaml")
    tells = {text.lower(): value for text, value in _pairs(platforms["tells"])}
    for text, value in tells.items():  # first, so that whatever means more replaces it
        _place(text, {"kind": TELL, "value": value}, words, phrases)
    for text, entry in _foreign_entries(foreign["groups"]):  # next, so that a name of ours replaces it
        told = {"platforms": [tells[text.lower()]]} if text.lower() in tells else {}
        _place(text, entry | told, words, phrases)
    for text, entry in _all_entries(folder, errors, platforms):
        _place(text, entry, words, phrases)
        names.setdefault(entry["kind"], set()).add(entry["value"])
    swift: dict[str, list[tuple[str, int]]] = {}
    domains = [_domain(d, spoken) for d in errors["domains"]]
    for d in domains:
        for case in d["cases"]:
            if case["swift"]:
                swift.setdefault(case["swift"].lower(), []).append((d["id"], case["code"]))
    return {
        "domains": domains,
        "words": words,
        "phrases": sorted(phrases.items(), key=lambda item: (-len(item[0]), item[0])),
        "swift_cases": swift,
        "os_names": {k.lower(): str(v) for k, v in platforms["os_names"].items()},
        "devices": {str(k): str(v) for k, v in platforms["devices"].items()},
        "silent_apis": errors.get("silent_apis", []),
        "glossary": _glossary(_load(folder / "glossary.yaml")["glossary"]),
        "foreign_prefixes": foreign["prefixes"],
        "names": {kind: sorted(values) for kind, values in sorted(names.items())},
    }


def _glossary(table: dict[str, list[str]]) -> dict[str, str]:
    """Foreign word, in lower case, to the English words it stands for; the longest first."""
    pairs = [(str(foreign).lower(), english) for english, words in table.items() for foreign in words]
    return dict(sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0])))


def _load(path: Path) -> Any:
    import yaml  # only a build reads the tables; a question has them compiled

    from kb.yamltext import read_yaml

    try:
        return read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise GuidanceError(
            f"The signal table {path.name} cannot be read: {error}.", "Mend the file, or install nekb again."
        ) from error


def _domain(d: dict[str, Any], spoken: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    cases = [
        {
            "code": int(c["code"]),
            "symbol": c.get("symbol"),
            "swift": c.get("swift"),
            "meaning": c["meaning"],
            "confidence": str(c.get("confidence", d["confidence"])),
            "hints": c.get("hints", []),
            "cards": c.get("cards", []),
        }
        for c in d["cases"]
    ]
    kept = {k: d.get(k) for k in ("id", "enum", "domain", "topic", "visibility", "notes")}
    return kept | {
        "aliases": d.get("aliases", []),
        "platforms": str(d.get("platforms", "")),
        "confidence": str(d["confidence"]),
        "context": spoken["domains"].get(d["id"], []),
        "hinted_by": spoken["otherwise"].get(d["id"], []),
        "cases": cases,
    }


Named = Iterator[tuple[str, dict[str, Any]]]
_NE_KEY = "com.apple.developer.networking.networkextension"


def _all_entries(folder: Path, errors: dict[str, Any], platforms: dict[str, Any]) -> Named:
    yield from _platform_entries(platforms)
    yield from _wrapper_entries(_load(folder / "wrappers.yaml")["wrappers"])
    yield from _log_entries(_load(folder / "logs.yaml"))
    yield from _plist_entries(_load(folder / "plist.yaml"))
    yield from _api_entries(_load(folder / "apis.yaml")["apis"])
    yield from _entitlement_entries(_load(folder / "entitlements.yaml")["entitlements"])
    yield from _domain_entries(errors["domains"])


def _domain_entries(domains: list[dict[str, Any]]) -> Named:
    for d in domains:
        base = {"kind": "error", "domain": d["id"], "topic": d["topic"]}
        name = d.get("domain") or d.get("enum") or d["id"]
        for text in dict.fromkeys(t for t in (d.get("domain"), d.get("enum"), *d.get("aliases", [])) if t):
            yield text, base | {"value": name}
        for case in d["cases"]:
            if case.get("symbol"):
                found = base | {"value": f"{name} {case['code']}", "code": int(case["code"])}
                yield case["symbol"], found | {"cards": case.get("cards", [])}
                if case.get("swift") and d.get("enum"):
                    yield f"{d['enum']}.{case['swift']}", found | {"cards": case.get("cards", [])}


def _api_entries(apis: list[dict[str, Any]]) -> Named:
    by_name = {api["name"]: api for api in apis}
    for api in apis:
        spellings = (api["name"], *api.get("aliases", []))
        entry = _facts("api", api["name"], api)
        if owners := _owners(spellings, by_name.keys() - {api["name"]}):
            entry["implies"] = [["api", owner] for owner in owners]
        for text in spellings:
            if _distinctive(text) or api.get("unmistakable"):
                found = _member(text, entry) if text[0].islower() and api["name"][0].isupper() else entry
                yield text, found
                first = _first_keyword(text)
                if first is not None and first not in by_name:  # which says whose it is
                    yield first, found
    for name in sorted(by_name):  # what Xcode's templates call a subclass, and people call the class
        if name.startswith("NE") and name.endswith("Provider") and name not in ("NEProvider", "NEVPNProvider"):
            yield name[2:], _facts("api", name, by_name[name])


def _first_keyword(selector: str) -> str | None:
    """What people write of a selector without its colons: `removeConfigurationForSSID`."""
    first = selector.split(":", maxsplit=1)[0]
    return first if ":" in selector and "(" not in selector and _distinctive(first) else None


def _member(text: str, entry: dict[str, Any]) -> dict[str, Any]:
    """A member that the table lists under its type: itself, and the type is implied."""
    name = text.split("(", maxsplit=1)[0].split(":", maxsplit=1)[0]
    return entry | {"value": name, "implies": [["api", entry["value"]], *entry.get("implies", [])]}


def _owners(spellings: Iterable[str], classes: set[str]) -> list[str]:
    """The classes that a member belongs to, as one of its spellings says: `NEVPNManager.connection`."""
    return sorted({text.split(".")[0] for text in spellings if "." in text} & classes)


def _distinctive(name: str) -> bool:
    """Whether an API name cannot be an English word: it has an inner capital, a dot, an underscore or a colon."""
    return any(c in name for c in "._:") or any(c.isupper() for c in name[1:])


def _entitlement_entries(entitlements: list[dict[str, Any]]) -> Named:
    for e in entitlements:
        if e.get("value") and "-" in e["value"]:  # "relay" is also an ordinary word
            yield e["value"], _facts("entitlement", e["value"], e)
        if e["key"] != _NE_KEY:
            yield e["key"], _facts("entitlement", e["key"], e)
    yield (
        "com.apple.developer.networking.networkextension",
        {
            "kind": "entitlement",
            "value": "com.apple.developer.networking.networkextension",
            "topic": "entitlements-provisioning",
        },
    )


def _log_entries(logs: dict[str, Any]) -> Named:
    for group in ("subsystems", "processes"):
        for item in logs[group]:
            yield item["name"], _facts("log", item["name"], item)
    for item in logs["phrases"]:
        yield item["phrase"], _facts("phrase", item["phrase"], item)


def _foreign_entries(groups: dict[str, list[str]]) -> Named:
    for texts in groups.values():
        for text in texts:
            yield text, {"kind": "foreign", "value": text}


def _plist_entries(plist: dict[str, Any]) -> Named:
    for group in ("keys", "extension_points"):
        for item in plist[group]:
            yield item["name"], _facts("plist", item["name"], item)


def _wrapper_entries(wrappers: list[dict[str, Any]]) -> Named:
    for w in wrappers:
        entry = _facts("wrapper", w["name"], w)
        if w.get("hides"):
            hidden = str(w["hides"])
            entry["implies"] = [["api", name] for name in dict.fromkeys((hidden, hidden.split(".", maxsplit=1)[0]))]
        for text in (w["name"], *w.get("match", [])):
            if len(str(text)) >= 4:
                yield str(text), entry


def _platform_entries(table: dict[str, Any]) -> Named:
    for kind in ("platform", "distribution", "supervision", "packaging", "simulator"):
        group = table.get("platforms" if kind == "platform" else f"{kind}s", table.get(kind, {}))
        for text, value in _pairs(group):
            yield text, {"kind": kind, "value": str(value)}


def _pairs(group: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """Word and value, from `word: value`, `value: [words]`, or for a lone state a list of words."""
    if isinstance(group, list):
        for text in group:
            yield str(text), "yes"
        return
    for key, value in group.items():
        if isinstance(value, list):
            for text in value:
                yield str(text), key
        else:
            yield str(key), value


def _facts(kind: str, value: str, item: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": kind, "value": value}
    if item.get("topic"):
        entry["topic"] = item["topic"]
    if platforms := item.get("platforms"):  # a list, or in words with the versions since when
        entry["platforms"] = platforms if isinstance(platforms, list) else [p for p in PLATFORMS if p in platforms]
    if item.get("cards"):
        entry["cards"] = item["cards"]
    return entry


def _place(
    text: str, entry: dict[str, Any], words: dict[str, dict[str, Any]], phrases: dict[str, dict[str, Any]]
) -> None:
    """A single identifier goes to `words`, anything with a space or odd signs to `phrases`."""
    key = text.lower()
    if key.isascii() and all(c.isalnum() or c in "_.:-" for c in key):
        words[key] = entry
    else:
        phrases[key] = entry


def table_cards(compiled: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Every `(where, card id)` that a table names, for the check."""
    for word, entry in [*compiled["words"].items(), *compiled["phrases"]]:
        for card in entry.get("cards", ()):
            yield word, card
    for d in compiled["domains"]:
        for case in d["cases"]:
            for card in case["cards"]:
                yield f"{d['id']} {case['code']}", card
    for api in compiled["silent_apis"]:
        for card in api["cards"]:
            yield api["api"], card
