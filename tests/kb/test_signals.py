"""Reading signals: what the text says is found with true spans; what it does not say is never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answer import Signal
from kb.home import shipped_data
from kb.signals import SignalTables, read_signals
from kb.signals.compiling import compile_tables

TABLES = SignalTables.from_json(compile_tables(shipped_data()))


def read(text: str) -> list[Signal]:
    return read_signals(text, TABLES)


def errors(text: str) -> set[tuple[str | None, int | None]]:
    return {(s.domain, s.code) for s in read(text) if s.kind == "error"}


def values(text: str, kind: str) -> set[str]:
    return {s.value for s in read(text) if s.kind == kind}


HOTSPOT = "NEHotspotConfigurationErrorDomain"


@pytest.mark.parametrize(
    ("text", "domain", "code"),
    [
        ('Error Domain=NEHotspotConfigurationErrorDomain Code=8 "internal error."', HOTSPOT, 8),
        ("apply failed, domain=NEHotspotConfigurationErrorDomain, code=8", HOTSPOT, 8),
        ('{"domain": "NEHotspotConfigurationErrorDomain", "code": 8}', HOTSPOT, 8),
        ('{"code": 8, "message": "x", "domain": "NEHotspotConfigurationErrorDomain"}', HOTSPOT, 8),
        ("NEHotspotConfigurationErrorDomain/8", HOTSPOT, 8),
        ("NEHotspotConfigurationErrorInternal", HOTSPOT, 8),
        ("NEHotspotConfigurationError.internal", HOTSPOT, 8),
        ("nehotspotconfigurationerrordomain code 13", HOTSPOT, 13),
        ("The operation couldn’t be completed. (NEVPNErrorDomain error 5.)", "NEVPNErrorDomain", 5),
        ("OSSystemExtensionErrorDomain:8 错误", "OSSystemExtensionErrorDomain", 8),
        ('Error Domain=NEConfigurationErrorDomain Code=11 "IPC failed"', "NEConfigurationErrorDomain", 11),
        ("NSURLErrorDomain Code=-1009", "NSURLErrorDomain", -1009),
        ("com.apple.CipherML Code=1100", "com.apple.CipherML", 1100),
        ("NEProviderStopReason 14", "NEProviderStopReason", 14),
        ("NEVPNError.Code.configurationStale", "NEVPNErrorDomain", 4),
        ("case NEFilterManagerError.Code.configurationPermissionDenied:", "NEFilterErrorDomain", 5),
        ("NEVPNErrorDomain codes 1 and 5", "NEVPNErrorDomain", 1),
    ],
)
def test_a_code_is_read_with_its_domain(text: str, domain: str, code: int) -> None:
    assert (domain, code) in errors(text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("NEVPNErrorDomain codes 1, 4 and 5 after saveToPreferences", {1, 4, 5}),
        ("error codes 1, 2, and 5 from NEVPNManager.saveToPreferences", {1, 2, 5}),
        ("NEVPNErrorDomain codes: 1/5", {1, 5}),
        ("NEVPNErrorDomain codes 4, 5 times a day", {4}),
        ("NEVPNErrorDomain codes 4 and 30 devices", {4}),  # it has no 30
        ("NEVPNErrorDomain code 4, 5 devices", {4}),
    ],
)
def test_of_a_list_of_codes_each_is_read(text: str, codes: set[int]) -> None:
    assert errors(text) == {("NEVPNErrorDomain", code) for code in codes}


def test_codes_of_something_else_are_no_codes() -> None:
    assert errors("my app scans QR codes 12 and 13") == set()


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("code 8 hotspot", HOTSPOT),
        ("wifi error 13 when joining ssid", HOTSPOT),
        ("error code 4 activating my system extension", "OSSystemExtensionErrorDomain"),
        ("热点 错误 8", HOTSPOT),
        ("핫스팟 오류 8", HOTSPOT),
        ("stopTunnel with reason: 9", "NEProviderStopReason"),
        ("saveToPreferences gives error 5", "NEVPNErrorDomain"),
        ("NEFilterManager.shared().saveToPreferences, error 5", "NEFilterErrorDomain"),
        ("DNS over HTTPS, saveToPreferences error code 3", "NEDNSSettingsErrorDomain"),
        ("upload failed 90525", "App Store Connect upload validation"),
    ],
)
def test_a_bare_code_is_resolved_by_the_words_around_it(text: str, domain: str) -> None:
    found = [s for s in read(text) if s.kind == "error"]
    assert [s.domain for s in found] == [domain]
    assert all(s.implied for s in found)


@pytest.mark.parametrize(
    ("text", "domain", "code"),
    [
        ("tunnel provider: sendto error 1 Operation not permitted", "NSPOSIXErrorDomain", 1),
        ("hotspot, connect error 13 - Permission denied", "NSPOSIXErrorDomain", 13),
        ("sysext, failed at lookup with error 3 - No such process.", "NSPOSIXErrorDomain", 3),
        ("EHOSTUNREACH from sendto", "NSPOSIXErrorDomain", 65),
        ("Error Domain=kNWErrorDomainPOSIX Code=57", "NSPOSIXErrorDomain", 57),
        ("Error Domain=kNWErrorDomainDNS Code=-65555", "DNSServiceErrorType", -65555),
        ("NWBrowser failed(-65570: PolicyDenied)", "DNSServiceErrorType", -65570),
        ("error -413 at launch", "AppleMobileFileIntegrityError", -413),
        ("request ends with -1009 while the vpn connects", "NSURLErrorDomain", -1009),
    ],
)
def test_a_code_of_the_system_is_known_by_its_words_or_its_number(text: str, domain: str, code: int) -> None:
    assert errors(text) == {(domain, code)}


def test_a_number_beside_the_words_of_another_one_is_no_errno() -> None:
    assert errors("NEFilterManager save: 5 permission denied") == set()


@pytest.mark.parametrize("text", ["Error code: 8", "it says code 8", "error 5"])
def test_a_code_without_context_stays_without_a_domain(text: str) -> None:
    assert {d for d, _ in errors(text)} == {None}


@pytest.mark.parametrize(
    "text", ["iOS 8", "took 8 ms", "iPhone 8", "8 devices fail", "http 404 error", "version 8.1.2"]
)
def test_a_number_is_not_a_code(text: str) -> None:
    assert errors(text) == set()


@pytest.mark.parametrize(
    ("text", "os"),
    [
        ("on iOS 26.0.1", "iOS 26.0.1"),
        ("iOS26 beta", "iOS 26"),
        ("ios SDK 16.7.5", "iOS 16.7.5"),
        ("macOS Tahoe 26.1", "macOS 26.1"),
        ("Ventura 13.4 beta", "macOS 13.4"),
        ("since Sequoia", "macOS 15"),
        ("Big Sur 11.1", "macOS 11.1"),
        ("iPadOS 17.2", "iPadOS 17.2"),
    ],
)
def test_systems_are_read_with_their_version(text: str, os: str) -> None:
    assert os in values(text, "os")
    assert values(text, "platform")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("NETransparentProxyProvider ignores me", "macOS"),
        ("sysextd says no", "macOS"),
        ("OSSystemExtensionErrorDomain 4", "macOS"),
        ("fails on iPhone 15 Pro", "iOS"),
        ("NEHotspotConfigurationManager apply", "iOS"),
        ("VpnService on Android", "Android"),
    ],
)
def test_the_platform_is_named_or_implied(text: str, platform: str) -> None:
    assert platform in values(text, "platform")


def test_not_supervised_is_not_supervised() -> None:
    assert values("a device that is not supervised", "supervision") == {"unmanaged"}


def test_the_channel_is_read() -> None:
    assert "testflight" in values("prompt is missing in TestFlight", "distribution")
    assert "developer-id" in values("exported with Developer ID and notarized", "distribution")


def test_a_wrapper_gives_away_the_api_it_hides() -> None:
    signals = read('RNWifi rejects: unableToConnect "Error while configuring WiFi"')
    assert any(s.kind == "wrapper" for s in signals)
    assert any(s.kind == "api" and s.implied for s in signals)


def test_a_bug_number_is_read() -> None:
    assert values("filed as FB12345678", "bug_number") == {"FB12345678"}


LOG = st.lists(
    st.sampled_from(
        [
            "2026-01-02 10:11:12.345 nesessionmanager[123:456] NESMVPNSession",
            "Error Domain=NEVPNErrorDomain Code=5",
            "code: 8",
            "\x1b[31mred\x1b[0m",
            "{'domain': 'X', 'code': -1}",
            "iOS 26.1",
            "iPhone17,1",
            "Ad Hoc",
            "utun4",
            "\x00",
            "热点错误8",
            "İstanbul",
            "error",
            "=",
            "Code=",
            "Domain=",
            "errno = 65",
            "_kCFStreamErrorDomainKey=1, _kCFStreamErrorCodeKey=57",
            "Invalid argument (022)",
            "-65570",
            "0xE8008016",
            "on 15.3",
            "26.4 beta (25E5218f)",
            "15.x was fine",
            "١٥.٣",
        ]
    )
    | st.text(max_size=40),
    max_size=20,
).map("\n".join)


@given(st.text() | LOG)
def test_no_input_raises_and_every_span_is_true(text: str) -> None:
    for signal in read(text):
        assert 0 <= signal.start <= signal.end <= len(text)
        if not signal.implied:
            assert signal.end > signal.start


@given(LOG)
def test_reading_twice_gives_the_same(text: str) -> None:
    assert read(text) == read(text)


def test_a_megabyte_of_log_is_read_at_both_ends() -> None:
    noise = "2026-01-01 10:00:00.000 other[1:2] nothing of note\n" * 20_000
    text = 'Error Domain=NEVPNErrorDomain Code=1 "a"\n' + noise + 'Error Domain=NEFilterErrorDomain Code=5 "b"\n'
    assert {("NEVPNErrorDomain", 1), ("NEFilterErrorDomain", 5)} <= errors(text)
    last = next(s for s in read(text) if s.code == 5 and s.domain == "NEFilterErrorDomain")
    assert text[last.start : last.end].startswith("NEFilterErrorDomain")


def test_a_phrase_counts_where_it_first_stands_as_such() -> None:
    text = "antidied unexpectedly, then Extension com.example died unexpectedly"
    assert [s.start for s in read(text) if s.value == "died unexpectedly"] == [text.rindex("died")]


def test_letters_whose_lower_case_is_longer_hide_no_phrase() -> None:
    text = "İletişim: on a supervised iPhone"
    found = next(s for s in read(text) if s.kind == "supervision")
    assert (found.value, text[found.start : found.end]) == ("supervised", "supervised")


def test_letters_whose_lower_case_is_longer_move_no_release() -> None:
    text = "İletişim: Ventura 13.4"
    found = next(s for s in read(text) if s.value == "macOS 13.4")
    assert text[found.start : found.end] == "Ventura 13.4"


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("an iPad sends nothing", {"iPad"}),
        ("in my iPhone provider", {"iPhone"}),
        ("our Mac product", set()),
        ("the Mac Pro in the rack", {"Mac Pro"}),
        ("iPhone 15 Pro Max and iPad 6th gen", {"iPhone 15 Pro Max", "iPad"}),
        ("ipAddress and IPAddress.Any", set()),
        ("iPhoneでは動く", {"iPhone"}),
        ("fails on iPhone 15, works on iPhone 13", {"iPhone 15", "iPhone 13"}),
        ("MacBook Pro, macOS 15.2", {"MacBook Pro"}),
        ("hw.model iPhone15,3, iOS 17.2", {"iPhone 14 Pro Max"}),
        ("MacBookAir10,1, Sonoma", {"MacBook Air (M1)"}),
        ("broken on iPad 17.4", {"iPad"}),
        ("l'iPhone se déconnecte, el iPhone se bloquea", {"iPhone"}),
        ("my iphone se, or an iPhone SE of 2022", {"iphone se", "iPhone SE"}),
    ],
)
def test_a_device_is_not_the_beginning_of_a_word(text: str, device: set[str]) -> None:
    assert values(text, "device") == device


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We get NEVPNErrorDomain. 2 devices are affected.", {("NEVPNErrorDomain", None)}),
        ("NEVPNErrorDomain\n\n3 users", {("NEVPNErrorDomain", None)}),
        ("NEVPNErrorDomain\ncode: 5", {("NEVPNErrorDomain", 5)}),
        (
            '[{"domain": "NEVPNErrorDomain", "info": "the first", "code": 5},'
            ' {"domain": "NEFilterErrorDomain", "info": "the second", "code": 2}]',
            {("NEVPNErrorDomain", 5), ("NEFilterErrorDomain", 2)},
        ),
        (f'{{"domain": "NEVPNErrorDomain", "message": "{"x" * 272}", "code": 12}}', {("NEVPNErrorDomain", 12)}),
        ("stop reason: 14", {("NEProviderStopReason", 14)}),
        ("NEDNSProxyManager error 1", {("NEDNSProxyErrorDomain", 1)}),
        ("NWPath unsatisfiedReason vpnInactive", {("nw_path_unsatisfied_reason_t", 4)}),
        ("NEHotspotConfigurationErrorDomain code 0x8", {(HOTSPOT, 8)}),
    ],
)
def test_a_code_is_of_the_domain_beside_it(text: str, found: set[tuple[str | None, int | None]]) -> None:
    assert errors(text) == found


@pytest.mark.parametrize(
    "words",
    [
        "(NEVPNErrorDomain-Fehler 5.)",
        "(NEVPNErrorDomain erreur 5.)",
        "(NEVPNErrorDomain errore 5.)",
        "(NEVPNErrorDomain fout 5.)",
        "(NEVPNErrorDomain — błąd 5)",
        "(NEVPNErrorDomain chyba 5.)",
        "（NEVPNErrorDomain錯誤5。）",
        "(NEVPNErrorDomain 오류 5.)",
        "(NEVPNErrorDomain, помилка 5)",
    ],
)
def test_an_error_is_read_as_the_system_describes_it_in_other_languages(words: str) -> None:
    found = next(s for s in read(f"Die Aktion scheiterte. {words}") if s.kind == "error")
    assert (found.domain, found.code, found.implied) == ("NEVPNErrorDomain", 5, False)


def test_a_number_behind_a_numbered_model_is_no_version_of_the_system() -> None:
    assert values("code 8 only on iPhone 15, ok on 13", "os") == set()
    assert values("code 8 on iPhone 15 with iOS 18.2, ok on 17", "os") == {"iOS 18.2", "iOS 17"}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("on a real device, not the simulator", "simulator", {"no"}),
        ("Simulator: no", "simulator", {"no"}),
        ("It drops on iPhone 15. Not in the simulator.", "simulator", {"no"}),
        ("works on the device but not in the simulator", "simulator", {"yes"}),
        ("Supervised: No\nMDM: none", "supervision", {"unmanaged"}),
        ("our iPads aren't supervised", "supervision", {"unmanaged"}),
        ("neither supervised nor managed", "supervision", {"unmanaged"}),
        ("our in-house VPN server", "distribution", set()),
        ("an in-house build", "distribution", {"enterprise"}),
    ],
)
def test_what_a_text_denies_is_not_said(text: str, kind: str, value: set[str]) -> None:
    assert values(text, kind) == value


@pytest.mark.parametrize(
    "text", ["dotnet maui app error 3", "dots in the name, error 2", "iptables masquerade error 4", "nowifi, code 8"]
)
def test_a_code_is_of_no_domain_for_a_part_of_a_word(text: str) -> None:
    assert {domain for domain, _ in errors(text)} == {None}
    assert errors("DoT: error 3") == {("NEDNSSettingsErrorDomain", 3)}
