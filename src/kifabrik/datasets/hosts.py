"""Host, path and registrable domain of an address. Knows the public suffix list inside its package, no network.

The whole list is used, private section included: `anna.github.io` is Anna's, not GitHub's, when rights are asked about.
"""

import re
from functools import cache, lru_cache
from ipaddress import ip_address

from publicsuffixlist import PublicSuffixList

_ADDRESS_LETTERS_MAX = 4_000
_HOST_LETTERS_MAX = 253
_SCHEME = re.compile(r"(?:https?|ftp)://", re.IGNORECASE)
_AUTHORITY = re.compile(rf"\s*(?:{_SCHEME.pattern})?([^/?#\\\s]*)", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def is_address(text: str) -> bool:
    """Say whether a text begins as an address of the web does."""
    return _SCHEME.match(text) is not None


def split_host(address: str) -> str:
    """Give the host of an address, or of a bare host name, in small ASCII letters; empty if there is none."""
    return _clean(_authority_of(address))


def path_of(address: str) -> str:
    """Give path and query of an address as rules of robots.txt are written; `/` where there is none."""
    text = address[:_ADDRESS_LETTERS_MAX].strip()
    found = _SCHEME.match(text)
    rest = text[found.end() :] if found is not None else text
    start = rest.find("/")
    path = rest[start:].partition("#")[0] if start >= 0 else "/"
    return path or "/"


def registrable_domain(address: str) -> str:
    """Give the domain that somebody registered, `example.co.uk` for `https://www.example.co.uk/a`.

    Empty for an IP address, a single label, a public suffix, an unknown one, and for what is no address.
    """
    return _find_domain(_authority_of(address))


def _authority_of(address: str) -> str:
    """Give what stands between scheme and path, without a user's name."""
    found = _AUTHORITY.match(address, 0, _ADDRESS_LETTERS_MAX)
    return found[1].rpartition("@")[2] if found is not None else ""


@lru_cache(maxsize=65_536)
def _find_domain(authority: str) -> str:
    host = _clean(authority)
    if not host or _is_number(host):
        return ""
    return str(_suffixes().privatesuffix(host) or "")


@lru_cache(maxsize=65_536)
def _clean(authority: str) -> str:
    host = authority.partition(":")[0].rstrip(".").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    labels = host.split(".")
    if len(host) > _HOST_LETTERS_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        return ""
    return host


def _is_number(host: str) -> bool:
    if not host[-1].isdigit():
        return False  # the quick answer for almost all
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)
