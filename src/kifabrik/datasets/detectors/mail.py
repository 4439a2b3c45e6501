"""E-mail addresses in their usual form (RFC 5321 dot-string, a domain with a letter top level). Knows no mailbox."""

import re

from kifabrik.datasets.detectors.rule import Hit, Rule

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])")
_RESERVED_TOPS = frozenset({"example", "test", "invalid", "localhost"})  # RFC 6761
_RESERVED_DOMAINS = frozenset({"example.com", "example.net", "example.org", "example.edu"})  # RFC 2606
_FILE_SUFFIXES = frozenset(
    {"py", "txt", "md", "png", "jpg", "jpeg", "gif", "svg", "webp", "html", "css", "js", "json", "yaml", "yml"}
    | {"service", "timer", "socket", "conf", "cfg", "sh", "whl", "zip", "gz", "pdf", "csv", "xml"}
)
_QUOTES = "'`{}|!#$%&*/=?^~."


def _examine(text: str, match: re.Match[str], is_code: bool) -> Hit | None:
    place = match.start()
    local = _LOCAL.search(text, max(0, place - 64), place)
    domain = _DOMAIN.match(text, place + 1)
    if local is None or domain is None:
        return None
    name = local[0].lstrip(_QUOTES)
    if not name or name.endswith(".") or ".." in name or not name[0].isalnum() or (is_code and len(name) == 1):
        return None
    host = domain[0].lower()
    top = host.rpartition(".")[2]
    if top in _FILE_SUFFIXES:
        return None
    is_example = top in _RESERVED_TOPS or ".".join(host.split(".")[-2:]) in _RESERVED_DOMAINS
    start = place - len(name)
    return Hit("email", start, domain.end(), 2, f"{name}@{host}".lower(), is_example=is_example)


EMAIL = Rule(
    kind="email",
    label="e-mail addresses",
    anchor=re.compile("@"),
    examine=_examine,
    serious_from=5,
    examples="domains reserved for documentation and tests (RFC 2606, RFC 6761)",
)
