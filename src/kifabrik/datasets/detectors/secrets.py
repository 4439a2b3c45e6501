"""Keys, tokens and passwords: by the marks that issuers put on them, by checksum where one is known, by entropy else.

The marks are those that the issuers document. A value made of words such as "example" or "changeme" is an example.
"""

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from zlib import crc32

from kifabrik.datasets.detectors.rule import CHECKSUM, CONTEXT, Hit, Rule, Sheet

KIND = "secret"
_EXAMPLE = re.compile(
    r"example|changeme|change_me|placeholder|dummy|sample|foobar|your[_-]|xxxx|test[_-]?(?:key|token|secret)|redacted"
    r"|insert|replace|1234567|abcdef|deadbeef|\.\.\.|<[a-z]|todo|secret[_-]?key|my[_-]?(?:secret|token|key|pass)",
    re.IGNORECASE,
)
_MARKS: tuple[tuple[bytes, str, float], ...] = (  # anchor, whole value, bits of entropy a sign at least
    (rb"\b(?:AKIA|ASIA)[A-Z2-7]", r"(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])", 2.5),  # Amazon Web Services
    (rb"\bAIza[0-9A-Za-z_-]", r"AIza[0-9A-Za-z_-]{35}(?![\w-])", 3.0),  # Google
    (rb"\bGOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{28}(?![\w-])", 3.0),  # Google OAuth
    (rb"\bglpat-", r"glpat-[0-9A-Za-z_-]{20,60}(?![\w-])", 3.0),  # GitLab
    (rb"\bxox[abeoprs]-[0-9a-zA-Z]", r"xox[abeoprs]-[0-9A-Za-z-]{20,90}(?![\w-])", 3.0),  # Slack
    (rb"\b[rs]k_live_[0-9A-Za-z]", r"[rs]k_live_[0-9A-Za-z]{20,110}(?![A-Za-z0-9])", 3.0),  # Stripe
    (rb"\bsk-(?:ant-|proj-|or-)", r"sk-(?:ant-|proj-|or-)[0-9A-Za-z_-]{24,180}(?![\w-])", 3.5),  # language models
    (rb"\bhf_[A-Za-z]", r"hf_[A-Za-z0-9]{34,40}(?![A-Za-z0-9])", 3.5),  # Hugging Face
    (rb"\bpypi-AgE", r"pypi-AgE[0-9A-Za-z_-]{50,250}(?![\w-])", 3.0),  # the Python Package Index
    (rb"\bSG\.[0-9A-Za-z_-]", r"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}(?![\w-])", 3.5),  # SendGrid
    (rb"\bdop_v1_", r"dop_v1_[0-9a-f]{64}(?![0-9a-f])", 3.0),  # DigitalOcean
    (rb"\bAccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}==", 4.0),  # Azure storage
    (rb"\b[0-9]{8,10}:AA[A-Za-z0-9_-]", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}(?![\w-])", 3.5),  # Telegram
)
_GITHUB = re.compile(r"(?:gh[oprsu]|npm)_[A-Za-z0-9]{36}(?![A-Za-z0-9])")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PRIVATE_KEY = re.compile(
    r"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----"
    r"((?:[A-Za-z0-9+/=\s\\:,.]|-(?!----)){40,16000})-----END \1-----"
)
_WEB_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,2000}(?![\w-])")
_ASSIGNED = re.compile(r"""["']?\s{0,3}(?::|=>?|:=)\s{0,3}(["'`]?)([^\s"'`<>(){}\[\],;]{12,200})\1""")
_ASSIGNED_ANCHOR = (
    rb"(?:[Pp]assword|PASSWORD|[Pp]asswd|PASSWD|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Aa]pi_?[Kk]ey|API_?KEY"
    rb"|[Aa]ccess_?[Kk]ey|ACCESS_?KEY)[\"']? {0,3}[:=]"
)
_ASSIGNED_BITS, _ASSIGNED_CLASSES = 3.6, 3
_CLASSES = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]")))
_PATH_OR_CALL = re.compile(
    r"\A[./~$%@]|\A[\w.-]+\.[A-Za-z_]+\Z|://|\A[A-Za-z]+(?:[_-][A-Za-z]+)+\Z|\A\w+(?:[._-]\w+)*\(|[*\\|]"
)


def entropy(value: str) -> float:
    """Give the entropy of a string's signs in bits a sign (Shannon 1948)."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def _make_hit(text: str, start: int, end: int, tier: int) -> Hit:
    value = text[start:end]
    return Hit(KIND, start, end, tier, value, is_example=_EXAMPLE.search(value) is not None)


def _make_marked(anchor: bytes, whole: str, bits: float) -> Rule:
    pattern = re.compile(whole)

    def examine(sheet: Sheet, start: int, _: int) -> Hit | None:
        match = pattern.match(sheet.text, start)
        if match is None or entropy(match[0]) < bits:
            return None
        return _make_hit(sheet.text, start, match.end(), CONTEXT)

    return _make_rule(examine, anchor)


def _examine_github(sheet: Sheet, start: int, _: int) -> Hit | None:
    """Tokens of GitHub and npm end in a CRC-32 in base 62."""
    match = _GITHUB.match(sheet.text, start)
    if match is None or entropy(match[0]) < 3:
        return None
    body, check = match[0][4:-6], match[0][-6:]
    rest, digits = crc32(body.encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _BASE62[digit] + digits
    tier = CHECKSUM if digits.rjust(6, "0") == check else CONTEXT
    return _make_hit(sheet.text, start, match.end(), tier)


def _examine_private_key(sheet: Sheet, start: int, _: int) -> Hit | None:
    match = _PRIVATE_KEY.match(sheet.text, start)
    return _make_hit(sheet.text, match.start(), match.end(), CHECKSUM) if match is not None else None


def _examine_web_token(sheet: Sheet, start: int, _: int) -> Hit | None:
    """A JSON Web Token is one if its first part is a JSON object that names an algorithm (RFC 7519)."""
    match = _WEB_TOKEN.match(sheet.text, start)
    if match is None:
        return None
    head = match[0].split(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return None
    if not isinstance(header, dict) or "alg" not in header:
        return None
    return _make_hit(sheet.text, match.start(), match.end(), CHECKSUM)


def _examine_assigned(sheet: Sheet, _: int, end: int) -> Hit | None:
    """A name such as `password` with a value that looks drawn, not written; in code the value stands in quotes."""
    text = sheet.text
    match = _ASSIGNED.match(text, max(text.rfind(":", end - 1, end), text.rfind("=", end - 1, end)))
    if match is None or (sheet.is_code and not match[1]):
        return None
    value = match[2]
    classes = sum(1 for pattern in _CLASSES if pattern.search(value))
    if classes < _ASSIGNED_CLASSES or entropy(value) < _ASSIGNED_BITS or _PATH_OR_CALL.search(value):
        return None
    return _make_hit(text, match.start(2), match.end(2), CONTEXT)


def _make_rule(examine: Callable[[Sheet, int, int], Hit | None], *anchors: bytes) -> Rule:
    return Rule(
        kind=KIND,
        label="keys, tokens and passwords",
        anchors=anchors,
        examine=examine,
        serious_from=1,
        examples="values that say themselves that they are examples",
    )


SECRET_RULES: tuple[Rule, ...] = (
    _make_rule(_examine_private_key, rb"-----BEGIN "),
    _make_rule(_examine_web_token, rb"\beyJ[A-Za-z0-9]"),
    _make_rule(_examine_github, rb"\b(?:gh[oprsu]|npm)_[A-Za-z0-9]"),
    *(_make_marked(*mark) for mark in _MARKS),
    _make_rule(_examine_assigned, _ASSIGNED_ANCHOR),
)
