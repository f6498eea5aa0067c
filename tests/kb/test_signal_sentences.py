"""Sentences as people in the field write them, with the signals that an expert reads in each."""

from __future__ import annotations

from kb.evaluation.harness import Judged, signals_f1
from kb.evaluation.questions import LabelledQuestion
from kb.home import shipped_data
from kb.signals import SignalTables, read_signals
from kb.signals.tables import compile_tables

TABLES = SignalTables.from_json(compile_tables(shipped_data()))
FLOOR = 0.99

SENTENCES: list[tuple[str, dict[str, object]]] = [
    (
        "saveToPreferences gives NEVPNErrorDomain 5 on iOS 18.3.1",
        {"domain": "NEVPNErrorDomain", "code": 5, "api": "saveToPreferences", "os": "iOS 18.3.1", "platform": "iOS"},
    ),
    (
        'Error Domain=OSSystemExtensionErrorDomain Code=9 "(null)" after the update to Sequoia 15.2',
        {"domain": "OSSystemExtensionErrorDomain", "code": 9, "os": "macOS 15.2", "platform": "macOS"},
    ),
    ("Tahoe: my content filter is not asked to start", {"os": "macOS 26", "platform": "macOS"}),
    (
        "iPhone17,1 on iOS 26.0.1, NEHotspotConfigurationManager.apply never calls back",
        {"os": "iOS 26.0.1", "platform": "iOS", "api": "NEHotspotConfigurationManager.apply"},
    ),
    ("iPhone 15 Pro loses the tunnel when it leaves the house", {"platform": "iOS"}),
    ("we run iPadOS 17.7 on an iPad Air 5", {"os": "iPadOS 17.7", "platform": "iOS"}),
    (
        "NETransparentProxyProvider handleNewFlow is not called for curl",
        {"api": ["NETransparentProxyProvider", "handleNewFlow"], "platform": "macOS"},
    ),
    ("transparent proxy sees no flows on 15.3", {"os": "macOS 15.3", "platform": "macOS"}),
    (
        "systemextensionsctl list shows [activated waiting for user] on 14.6.1",
        {"os": "macOS 14.6.1", "platform": "macOS"},
    ),
    (
        "visionOS 2 does it have NEPacketTunnelProvider?",
        {"os": "visionOS 2", "platform": "visionOS", "api": "NEPacketTunnelProvider"},
    ),
    ("Apple TV 4K tvOS 17 VPN app", {"os": "tvOS 17", "platform": "tvOS"}),
    ("watchOS app cannot use NWConnection", {"platform": "watchOS", "api": "NWConnection"}),
    ("NEAppPushManager isActive is always false", {"api": ["NEAppPushManager", "isActive"], "platform": "iOS"}),
    ("Asset validation failed (90525) when uploading", {"code": 90525}),
    ("ITMS-90713 on every upload", {"code": 90713}),
    ("error -9836 from the server, is it TLS?", {"code": -9836}),
    ("Domain=NSPOSIXErrorDomain Code=50 network is down", {"domain": "NSPOSIXErrorDomain", "code": 50}),
    (
        "-[NEPacketTunnelProvider startTunnelWithOptions:completionHandler:] is called twice",
        {"api": "NEPacketTunnelProvider.startTunnel"},
    ),
    ("setTunnelNetworkSettings(_:completionHandler:) never returns", {"api": "setTunnelNetworkSettings"}),
    ("cancelTunnelWithError(nil) leaves the status at disconnecting", {"api": "cancelTunnelWithError"}),
    (
        "includeAllNetworks breaks AirPlay, excludeLocalNetworks is set",
        {"api": ["includeAllNetworks", "excludeLocalNetworks"]},
    ),
    ("startVPNTunnel works, then the status goes to invalid", {"api": "startVPNTunnel"}),
    ("NEFilterDataProvider handleOutboundData gets 0 bytes", {"api": ["NEFilterDataProvider", "handleOutboundData"]}),
    (
        "NEDNSProxyProvider on macOS, handleNewUDPFlow is deprecated",
        {"api": ["NEDNSProxyProvider", "handleNewUDPFlow"], "platform": "macOS"},
    ),
    (
        "OSSystemExtensionRequest.activationRequest fails with code 4",
        {
            "domain": "OSSystemExtensionErrorDomain",
            "code": 4,
            "api": "OSSystemExtensionRequest.activationRequest",
            "platform": "macOS",
        },
    ),
    (
        "hotspot error 7, but the user tapped Join",
        {"domain": "NEHotspotConfigurationErrorDomain", "code": 7, "platform": "iOS"},
    ),
    ("code 8", {"code": 8}),
    ("Android app works with WifiNetworkSpecifier", {"platform": "Android"}),
    ("on Ubuntu 22.04 the same WireGuard config is fine", {"platform": "Linux"}),
    ("Windows 11 client connects", {"platform": "Windows"}),
    ("WireGuard 1.0.16 app, iOS 17", {"os": "iOS 17", "platform": "iOS"}),
    ("seen on iOS 18.2.1 and 17.6.1", {"os": ["iOS 18.2.1", "iOS 17.6.1"], "platform": "iOS"}),
    ("macOS 14 through 14.1.2: it hangs", {"os": ["macOS 14", "macOS 14.1.2"], "platform": "macOS"}),
    ("both iOS 16/17 fail", {"os": ["iOS 16", "iOS 17"], "platform": "iOS"}),
    ("iOS 17 and 12 users told us", {"os": "iOS 17", "platform": "iOS"}),
    ("iOS 17, 2.4.1 of the app, since 12:30", {"os": "iOS 17", "platform": "iOS"}),
    ("in our mac vpn 10.0.0.x still goes in", {"platform": "macOS"}),
    ("Mac OS version: 20C69", {"platform": "macOS"}),
    ("MacBook, Darwin 25.4.0", {"platform": "macOS"}),
    ("Xcode 16.2.0, target iOS 15", {"os": "iOS 15", "platform": "iOS"}),
    ("my app version 12.3.1 crashes on iPhone", {"platform": "iOS"}),
    ("10.15.7 and later", {"os": "macOS 10.15.7", "platform": "macOS"}),
    ("High Sierra kext to system extension", {"os": "macOS 10.13", "platform": "macOS"}),
    ("macOS Ventura 13.4 beta, filter flaps", {"os": "macOS 13.4", "platform": "macOS"}),
    ("memorystatus: killing process [PacketTunnel] ActiveHard 50 MB (fatal)", {"platform": "iOS"}),
    ("LaunchDaemon wants to read the flow before the user logs in", {"platform": "macOS"}),
    ("VPN drops when the screen locks", {"platform": "iOS"}),
    ("kernel_task and XPC service in my sysex", {"platform": "macOS"}),
    ("NERelayManager with MASQUE, 26.1", {"api": "NERelayManager"}),
    ("NEURLFilterManager PIR server setup incomplete", {"api": "NEURLFilterManager"}),
    ("OSLogStore gives no entries in the extension", {"api": "OSLogStore"}),
    ("remoteEndpoint of NEFilterSocketFlow is nil", {"api": ["remoteEndpoint", "NEFilterSocketFlow"]}),
    ("NEProviderStopReason 14 every night", {"domain": "NEProviderStopReason", "code": 14}),
    (
        "joinOnce is ignored by NEHotspotConfiguration",
        {"api": ["joinOnce", "NEHotspotConfiguration"], "platform": "iOS"},
    ),
    (
        "CNCopyCurrentNetworkInfo returns nil since iOS 13",
        {"api": "CNCopyCurrentNetworkInfo", "os": "iOS 13", "platform": "iOS"},
    ),
    ("NEHotspotNetwork.fetchCurrent gives nil", {"api": "NEHotspotNetwork.fetchCurrent", "platform": "iOS"}),
    ("does the App Store accept a VPN from a person?", {}),
    ("good morning everybody", {}),
]


def _judged(text: str, expected: dict[str, object]) -> Judged:
    labelled = LabelledQuestion(id=text, query=text, signals=expected or {"api": []})
    return Judged(labelled, [], 0.0, 0.0, "answered", read_signals(text, TABLES))


def test_signals_are_read_as_an_expert_reads_them() -> None:
    judged = [_judged(text, expected) for text, expected in SENTENCES]
    wrong = {
        j.question.query: j.signals
        for j in judged
        if (signals_f1([j]) or 0.0) < 1 and j.question.signals != {"api": []}
    }
    found = signals_f1(judged)
    assert found is not None
    assert found >= FLOOR, wrong
