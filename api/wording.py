"""Words for what the answer says in names: routes, signals, topics."""

from __future__ import annotations

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
