"""E-mail addresses in their usual form: letters, digits and ._%+'&- before the @, a domain name after it.

The rarer signs that RFC 5321 allows stand in code and addresses of pages far more often than in a mailbox. Letters may
be Latin, Greek or Cyrillic. Knows no mailbox.
"""

import re

from kifabrik.datasets.detectors.rule import Hit, Rule, Sheet

_LOCAL_MAX = 64
_LETTER = "A-Za-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_LOCAL_BACKWARDS = re.compile(rf"[{_LETTER}_.%+'&-]{{1,64}}")
_DOMAIN = re.compile(
    rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?\.){{1,8}}"
    r"(?:[A-Za-z]{2,24}(?![A-Za-z0-9-])|xn--[A-Za-z0-9-]{2,59}|[\u0370-\u03ff\u0400-\u04ff]{2,24})"
)
_RESERVED_TOPS = frozenset({"example", "test", "invalid", "localhost"})  # RFC 6761
_RESERVED_DOMAINS = frozenset({"example.com", "example.net", "example.org", "example.edu"})  # RFC 2606
_FILE_SUFFIXES = frozenset(
    {"py", "txt", "md", "png", "jpg", "jpeg", "gif", "svg", "webp", "html", "css", "js", "json", "yaml", "yml"}
    | {"service", "timer", "socket", "conf", "cfg", "sh", "whl", "zip", "gz", "pdf", "csv", "xml"}
)
_USER_BEFORE = re.compile(r"://[^\s/@]{1,100}:\Z")
_MESSAGE_ID = re.compile(r"[\d.$-]{16,}|[\w.$-]{33,}")


def _examine(sheet: Sheet, _: int, end: int) -> Hit | None:
    text, is_code, place = sheet.text, sheet.is_code, end - 2
    local = _LOCAL_BACKWARDS.match(text[max(0, place - _LOCAL_MAX) : place][::-1])
    domain = _DOMAIN.match(text, place + 1)
    if local is None or domain is None or text[domain.end() : domain.end() + 1] == "@":
        return None
    name = local[0][::-1].lstrip("'.%&+-_")
    start = place - len(name)
    if not _is_mailbox(name, is_code) or text[start - 1 : start] == "@":
        return None
    if text[start - 1 : start] == ":" and _USER_BEFORE.search(text, max(0, start - 120), start):
        return None  # a password and a host
    host = domain[0].lower()
    top = host.rpartition(".")[2]
    if top in _FILE_SUFFIXES or (is_code and text[domain.end() : domain.end() + 1] in {"(", "["}):
        return None
    is_example = top in _RESERVED_TOPS or ".".join(host.split(".")[-2:]) in _RESERVED_DOMAINS
    return Hit("email", start, domain.end(), 2, f"{name}@{host}".lower(), is_example=is_example)


def _is_mailbox(name: str, is_code: bool) -> bool:
    shortest = 2 if is_code else 1  # in code a@b.T multiplies matrices
    if not shortest <= len(name) < _LOCAL_MAX or name.endswith((".", "'")) or ".." in name:
        return False
    return _MESSAGE_ID.fullmatch(name) is None


EMAIL = Rule(
    kind="email",
    label="e-mail addresses",
    anchors=(rb"[0-9A-Za-z_%+'&.\x80-\xff-]@[0-9A-Za-z\x80-\xff]",),
    examine=_examine,
    serious_from=5,
    examples="domains reserved for documentation and tests (RFC 2606, RFC 6761)",
)
