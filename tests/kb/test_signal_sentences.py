"""Sentences as people in the field write them, with the signals that an expert reads in each."""

from __future__ import annotations

from kb.evaluation.harness import Judged, signals_f1
from kb.evaluation.questions import LabelledQuestion
from kb.home import shipped_data
from kb.signals import SignalTables, read_signals
from kb.signals.compiling import compile_tables

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
    ("sendto failed, errno = 65 on iPhone", {"domain": "NSPOSIXErrorDomain", "code": 65, "platform": "iOS"}),
    ("bind: Address already in use (48) on my Mac", {"domain": "NSPOSIXErrorDomain", "code": 48, "platform": "macOS"}),
    ("xpc look-up gives [3: No such process]", {"domain": "NSPOSIXErrorDomain", "code": 3, "platform": "macOS"}),
    ("TCP Conn 0x28 Failed : error 0:61 [61]", {"domain": "NSPOSIXErrorDomain", "code": 61}),
    (
        "Error Domain=NSURLErrorDomain Code=-1009 {_kCFStreamErrorCodeKey=50, _kCFStreamErrorDomainKey=1}",
        {"error_domain": ["NSURLErrorDomain", "NSPOSIXErrorDomain"], "code": [-1009, 50]},
    ),
    (
        "DNSServiceBrowse -> -65563 in the Simulator",
        {"api": "DNSServiceBrowse", "domain": "DNSServiceErrorType", "code": -65563, "platform": "iOS"},
    ),
    ("NoAuth(-65555) from the browser", {"domain": "DNSServiceErrorType", "code": -65555}),
    ("-1200 when the tunnel is up", {"domain": "NSURLErrorDomain", "code": -1200}),
    ("NSURLErrorDomain:-1011 with our proxy on", {"domain": "NSURLErrorDomain", "code": -1011}),
    ("The operation couldn't be completed. (Acme.TunnelError error 4.)", {"domain": "Acme.TunnelError", "code": 4}),
    ("install fails, invalid entitlements (0xE8008016)", {"code": -402620394}),
    ("升级iOS 17之后连不上", {"os": "iOS 17", "platform": "iOS"}),
    ("fails on ios 16 17", {"os": ["iOS 16", "iOS 17"], "platform": "iOS"}),
    ("from iOS 18.7 to 26.1 nothing changed", {"os": ["iOS 18.7", "iOS 26.1"], "platform": "iOS"}),
    ("on Big Sur it drops packets, 11.3 beta is better", {"os": ["macOS 11", "macOS 11.3"], "platform": "macOS"}),
    ("MacBook (14.6): filter does not start", {"os": "macOS 14.6", "platform": "macOS"}),
    ("mac 15, no prompt", {"os": "macOS 15", "platform": "macOS"}),
    ("mac 13-inch, mac-15 as the name of the machine", {"platform": "macOS"}),
    ("iPhone: Xcode 15.2 builds it, before 15.2 it did not", {"platform": "iOS"}),
    ("after the update to 17.5 no device is found", {"os": "iOS 17.5", "platform": "iOS"}),
    ("os_version: 16.4.1, device: iPhone", {"os": "iOS 16.4.1", "platform": "iOS"}),
    ("removeConfigurationForSSID is ignored", {"api": "removeConfiguration", "platform": "iOS"}),
    ("matchDomainsNoSearch = NO in the settings", {"api": "matchDomainsNoSearch"}),
    ("<key>OnDemandRules</key> in a profile for com.acme.PacketTunnelProvider", {}),
    ("ubuntu22.04 gateway, Manjaro client", {"platform": "Linux"}),
    ("the .ipa is signed again and does not start", {"platform": "iOS"}),
    ("-65 dBm, -100 ms, 2024-05-01 10:00:00 -0700, +49-170-123456, -12px", {}),
    ("does the App Store accept a VPN from a person?", {}),
    ("good morning everybody", {}),
    ("17.3: the tunnel is down after a call, 17.2.1 was fine", {"os": ["iOS 17.3", "iOS 17.2.1"], "platform": "iOS"}),
    ("everything worked before 16.6, react 18.2 was updated too", {"os": "iOS 16.6", "platform": "iOS"}),
    ("our web server on 16.2 answers through nginx", {}),
    ("my iPad with 9.3.6 joins, an iPad on 17.5 does not", {"os": ["iOS 9.3.6", "iPadOS 17.5"], "platform": "iOS"}),
    ("Un iPhone en 16.7 rejoint le réseau", {"os": "iOS 16.7", "platform": "iOS"}),
    ("18.7b2 (22H5022b) on my iPhone", {"os": "iOS 18.7", "platform": "iOS"}),
    ("Software Version: 18.1.1 (iPhone)", {"os": "iOS 18.1.1", "platform": "iOS"}),
    ("[C15.1.2:3] on my iPhone is no version", {"platform": "iOS"}),
    ("the MAC address of the router changes", {}),
    ('{"ipAddress": "10.0.0.7"} and nothing else', {}),
    ("Systemerweiterung wird nicht geladen", {"platform": "macOS"}),
    ("시스템 확장 승인 창이 안 떠요", {"platform": "macOS"}),
    ("아이폰에서 연결이 끊깁니다", {"platform": "iOS"}),
    ("com.apple.developer.networking.multicast is not in my profile", {"platform": "iOS"}),
    ("only supervised devices accept the profile", {"platform": "iOS"}),
    ("it builds for the simulator and then nothing", {"platform": "iOS"}),
    ("the binary was started from Terminal with brew services", {"platform": "macOS"}),
    (
        "stopTunnel called with NEProviderStopReason(rawValue: 14)",
        {"domain": "NEProviderStopReason", "code": 14, "api": "stopTunnel"},
    ),
    ("interface_set_mtu failed (12), upload failed (403)", {"code": 12}),
    ("sign in ends with AuthorizationError 1000", {"domain": "AuthorizationError", "code": 1000}),
    ("Socket SO_ERROR 54 while reading", {"domain": "NSPOSIXErrorDomain", "code": 54}),
    (
        "nw_path_evaluator_update_block_invoke prints each second, nw_path_monitor_start was called",
        {"api": "nw_path_monitor_start"},
    ),
    ("we applied for HotspotHelper in May", {"api": "NEHotspotHelper", "platform": "iOS"}),
    ("/etc/pf.conf is reset by each update", {"platform": "macOS"}),
]


def _judged(text: str, expected: dict[str, object]) -> Judged:
    labelled = LabelledQuestion(id=text, query=text, expect=(), signals=expected)
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


def test_a_name_that_a_label_files_as_a_symbol_is_not_counted() -> None:
    text = "joinOnce of NEHotspotConfiguration is ignored on iOS 17"
    labels: dict[str, object] = {"os": "iOS 17", "platform": "iOS", "api": "NEHotspotConfiguration"}
    assert (signals_f1([_judged(text, labels)]) or 0.0) < 1
    assert signals_f1([_judged(text, labels | {"symbol": "joinOnce"})]) == 1
