"""Apple's technotes on networking: the ones that the forum's answers lean on."""

from __future__ import annotations

import re

from ingest.addresses import APPLE
from ingest.sources.docs import Documentation

_BASE = f"https://{APPLE}/documentation/technotes"
_ON_NETWORKING = re.compile(
    r"network|vpn|packet|tunnel|proxy|filter|wi-?fi|bonjour|multicast|\bdns\b|\btls\b|\bhttp|socket|provisioning|"
    r"code.sign|entitlement|system extension|\bxpc\b|push",
    re.IGNORECASE,
)

SOURCE = Documentation(
    "technotes",
    "Apple's technotes on networking",
    (_BASE, *(f"{_BASE}/{name}" for name in (
        "tn3120-expected-use-cases-for-network-extension-packet-tunnel-providers",
        "tn3134-network-extension-provider-deployment",
        "tn3165-packet-filter-is-not-api",
    ))),
    re.compile(r"/documentation/technotes(?:/|$)"),
    lambda row: bool(_ON_NETWORKING.search(row.about)),
)  # fmt: skip
