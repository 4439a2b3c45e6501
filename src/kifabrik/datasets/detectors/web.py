"""User names with passwords in addresses of the web and of databases. Knows no site."""

import re

from kifabrik.datasets.detectors.rule import CONTEXT, Hit, Rule, Sheet

KIND = "url-credentials"
_USER = re.compile(r"([A-Za-z0-9._~%!$&'*+,;=-]{1,60}):([A-Za-z0-9._~%!$&'*+,;=:-]{3,100})@[A-Za-z0-9\[]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:\Z")
_EXAMPLE = re.compile(
    r"\A(?:pass(?:wor[dt]|wd)?|pwd|secret|example.*|xxx+|\*+|changeme|foo|bar|baz|test|token|key|\$.*|%.*|your.*|p[a4@]ss.*"
    r"|my.*|admin|root|guest|user(?:name)?|123.*|abc.*|hunter2|tiger|s3cr3t|\.\.\.)\Z",
    re.IGNORECASE,
)


def _examine(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    begin = start + len("://")
    match = _USER.match(text, begin)
    if match is None or _SCHEME.search(text, max(0, begin - 24), begin - 2) is None:
        return None
    start, stop = match.start(1), match.end(2)
    return Hit(KIND, start, stop, CONTEXT, text[start:stop], is_example=_EXAMPLE.match(match[2]) is not None)


URL_CREDENTIALS = Rule(
    kind=KIND,
    label="user names with passwords in addresses",
    anchors=(rb"://[A-Za-z0-9._~%!$&'*+,;=-]{1,60}:",),
    examine=_examine,
    serious_from=1,
    examples="passwords that stand in manuals for a password",
)
