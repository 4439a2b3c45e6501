"""Addresses of machines on the internet, which the Court of Justice holds to be personal data (C-582/14, Breyer).

Only addresses that one machine on the public internet can have count; networks, versions and section numbers do not.
Knows no registry of who uses an address.
"""

import ipaddress
import re
from bisect import bisect_right

from kifabrik.datasets.detectors.rule import Edges, Hit, Rule, Sheet

_KIND, _LABEL, _SERIOUS_FROM = "ip-address", "IP addresses", 10
_EXAMPLES = "private, loopback, reserved and documentation ranges (RFC 1918, RFC 5737, RFC 3849, RFC 9637)"
_VERSION_BEFORE = re.compile(
    r"(?:\bv|\bver\.?|version|release|\brev\.?|build|chrome|safari|firefox|sections?|sect\.?|chapter|appendix|§|\boid"
    r"|identifier|clause|paragraph|abschnitt|kapitel|==|>=|<=|~=|!=)[\"'(:=_\s]{0,6}\Z"
    r"|(?:upgrade|update|bump|patch|downgrade)[sd]?\b.{0,24}\Z"
    r"|\d\.\d+[ ,]{1,2}\Z",  # a list of numbers without separating blanks, as in SVG paths
    re.IGNORECASE,
)
_ADDRESS_WORD = re.compile(
    r"\bip\b|ipv4|\bips\b|inet|\baddr|address|adresse|host|server|client|remote|peer|gateway|\bdns|\bping\b|https?://|\bfrom\b",
    re.IGNORECASE,
)
_V4 = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_V6 = re.compile(r"[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}")
_GROUPS_MIN = 3
_SPECIAL_V4 = [  # the registry of special-purpose addresses (RFC 6890 and later), multicast included
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
]
_FIRST = [int(network.network_address) for network in _SPECIAL_V4]
_LAST = [int(network.broadcast_address) for network in _SPECIAL_V4]
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")  # the only block that IANA hands out to the public internet
_EXAMPLE_V6 = (ipaddress.ip_network("2001:db8::/32"), ipaddress.ip_network("3fff::/20"))


def _examine_v4(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    match = _V4.match(text, start)
    if match is None:
        return None
    end = match.end()
    parts = match[0].split(".")
    if not _stands_alone_v4(text, start, end) or any(
        int(part) > 255 or len(part) > len(str(int(part))) for part in parts
    ):
        return None
    if _is_special(int.from_bytes(bytes(map(int, parts)))):
        return Hit(_KIND, start, end, 2, match[0], is_example=True)
    if parts[3] == "0" or _is_version(text, start, parts):
        return None
    return Hit(_KIND, start, end, 2, match[0])


def _is_special(address: int) -> bool:
    place = bisect_right(_FIRST, address) - 1
    return address <= _LAST[place]


def _stands_alone_v4(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if before.isalnum() or after[:1].isalnum() or after[:1] in {"_", "-", "+"}:
        return False
    return not (after[:1] in {".", "/"} and after[1:].isalnum())  # a longer number, or a network


def _is_version(text: str, start: int, parts: list[str]) -> bool:
    """Small numbers count as a version or a section unless a word says that they are an address."""
    before = text[max(0, start - 40) : start].rpartition("\n")[2]
    if _VERSION_BEFORE.search(before):
        return True
    return sum(len(part) for part in parts[:3]) <= 4 and _ADDRESS_WORD.search(before) is None


def _examine_v6(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    match = _V6.match(text, start)
    if match is None:
        return None
    end = match.end()
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    if before.isalnum() or after.isalnum() or after in {"_", ":", "/"}:
        return None
    try:
        address = ipaddress.IPv6Address(match[0])
    except ValueError:
        return None
    if address not in _PUBLIC_V6:
        return None  # link-local, loopback, slices such as x[1::2] and times
    if int(address) % 2**64 == 0 or sum(map(bool, match[0].split(":"))) < _GROUPS_MIN:
        return None  # a network, or a slice such as x[2000::3]
    is_example = any(address in network for network in _EXAMPLE_V6)
    return Hit(_KIND, start, end, 2, address.compressed, is_example=is_example)


IP_V4 = Rule(
    kind=_KIND,
    label=_LABEL,
    anchors=(rb"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",),
    examine=_examine_v4,
    serious_from=_SERIOUS_FROM,
    examples=_EXAMPLES,
    edges=Edges(before="._-+"),
)
IP_V6 = Rule(
    kind=_KIND,
    label=_LABEL,
    anchors=(rb"\b[23][0-9A-Fa-f]{3}:[0-9A-Fa-f]{0,4}:",),
    examine=_examine_v6,
    serious_from=_SERIOUS_FROM,
    examples=_EXAMPLES,
    edges=Edges(before="_:."),
)
