"""Addresses of machines on the internet, which the Court of Justice holds to be personal data (C-582/14, Breyer).

Only addresses that a machine on the public internet can have count; version and section numbers of the same shape do
not. Knows no registry of who uses an address.
"""

import ipaddress
import re

from kifabrik.datasets.detectors.rule import Hit, Rule, text_before

_VERSION_BEFORE = re.compile(
    r"(?:[vV]|ver\.?|version|release|rev|build|python|windows|chrome|section|sect\.?|chapter|appendix|§|rfc\s?\d*|oid"
    r"|clause|paragraph|abschnitt|kapitel|==|>=|<=|~=|!=|/)\s{0,2}[\"'(:=]{0,2}\s?\Z",
    re.IGNORECASE,
)
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")  # the only block IANA hands out to the public internet
_EXAMPLE_V6 = (ipaddress.ip_network("2001:db8::/32"), ipaddress.ip_network("3fff::/20"))


def _examine_v4(text: str, match: re.Match[str], is_code: bool) -> Hit | None:  # noqa: ARG001 - one shape for all
    start, end = match.span()
    before = text[start - 1] if start else " "
    after = text[end : end + 2]
    if before.isalnum() or before in "._-" or after[:1].isalnum() or after[:1] in ("_", "-"):
        return None
    if after[:1] == "." and after[1:].isalnum():
        return None
    parts = match[0].split(".")
    if any(int(part) > 255 or (part[0] == "0" and part != "0") for part in parts):
        return None
    address = ipaddress.IPv4Address(match[0])
    if not address.is_global or address.is_multicast:
        return Hit("ip-address", start, end, 2, match[0], is_example=True)
    if _VERSION_BEFORE.search(text_before(text, start, 20)) or max(map(int, parts)) < 10 or int(parts[0]) < 3:
        return None
    is_network = parts[3] == "0"
    return None if is_network else Hit("ip-address", start, end, 2, match[0])


def _examine_v6(text: str, match: re.Match[str], is_code: bool) -> Hit | None:  # noqa: ARG001 - one shape for all
    start, end = match.span()
    before = text[start - 1] if start else " "
    if before.isalnum() or (before in "_:.[" and text[start - 2 : start - 1].isalnum()):
        return None
    if text[end : end + 1].isalnum() or text[end : end + 1] in ("_", ":"):
        return None
    try:
        address = ipaddress.IPv6Address(match[0])
    except ValueError:
        return None
    if address not in _PUBLIC_V6:
        return Hit("ip-address", start, end, 2, address.compressed, is_example=True)
    if match[0].endswith("::"):
        return None  # a network, not a machine
    is_example = any(address in network for network in _EXAMPLE_V6)
    return Hit("ip-address", start, end, 2, address.compressed, is_example=is_example)


_EXAMPLES = "private, loopback, reserved and documentation ranges (RFC 1918, RFC 5737, RFC 3849, RFC 9637)"
IP_V4 = Rule(
    kind="ip-address",
    label="IP addresses",
    anchor=re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"),
    examine=_examine_v4,
    serious_from=10,
    examples=_EXAMPLES,
)
IP_V6 = Rule(
    kind="ip-address",
    label="IP addresses",
    anchor=re.compile(
        r"[0-9A-Fa-f]{1,4}(?:::?[0-9A-Fa-f]{1,4}){2,7}(?:::)?|[0-9A-Fa-f]{4}(?:::?[0-9A-Fa-f]{1,4}){1,6}"
    ),
    examine=_examine_v6,
    serious_from=10,
    examples=_EXAMPLES,
)
