"""Words for what the answer says in names: routes, signals, conditions of a step."""

from __future__ import annotations

from collections.abc import Sequence

from kb.errors import GuidanceError
from kb.guidance.when import Clause, parse_when

ROUTES = {
    "fix": "Something to fix on your side",
    "file_bug": "A bug to report to Apple",
    "request_entitlement": "An entitlement to request",
    "contact_support": "A case for Apple's Developer Support",
    "ask_forum": "A question for the forum",
    "out_of_scope": "Outside Network Extension",
}
SIGNALS = {
    "error": "Error",
    "api": "API",
    "entitlement": "Entitlement",
    "os": "OS",
    "platform": "Platform",
    "device": "Device",
    "distribution": "Distribution",
    "packaging": "Packaging",
    "supervision": "Supervision",
    "simulator": "Simulator",
    "log": "Log",
    "plist": "Info.plist",
    "wrapper": "Wrapper",
    "phrase": "Wording",
    "bug_number": "Bug number",
    "foreign": "Not ours",
}
TOPICS = {
    "hotspot-wifi": "Hotspot and Wi-Fi",
    "vpn-packet-tunnel": "VPN and packet tunnel",
    "app-proxy-transparent-proxy": "App proxy and transparent proxy",
    "content-filter": "Content filter",
    "url-filter": "URL filter",
    "dns-proxy-settings": "DNS proxy and settings",
    "local-push": "Local push",
    "relay": "Relay",
    "entitlements-provisioning": "Entitlements and provisioning",
    "system-extension-packaging": "System extensions and packaging",
    "debugging-logging": "Debugging and logging",
    "networking-general": "Networking in general",
}
_VALUES = {
    "xcode": "run from Xcode",
    "testflight": "TestFlight",
    "app-store": "App Store",
    "ad-hoc": "Ad Hoc",
    "enterprise": "enterprise",
    "developer-id": "Developer ID",
    "app-extension": "an app extension",
    "system-extension": "a system extension",
    "supervised": "a supervised device",
    "managed": "a managed device",
    "unmanaged": "an unmanaged device",
    "yes": "in the Simulator",
    "no": "on a device",
}
_COMPARED = {">=": "{} or later", "<=": "{} or earlier", "<": "before {}", ">": "after {}", "=": "{}"}


def value(name: str) -> str:
    """A value of a fact as people say it."""
    return _VALUES.get(name, name)


def condition(when: str | None) -> str:
    """A step's condition as people say it: `os>=iOS 26.4` is "iOS 26.4 or later". Empty for none."""
    if not when:
        return ""
    try:
        return ", ".join(_clause(c) for c in parse_when(when))
    except GuidanceError:  # a card of another version
        return when


def _clause(c: Clause) -> str:
    if c.key == "os":
        return _COMPARED[c.operator].format(_either(c.values))
    return _either([value(v) for v in c.values])


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
