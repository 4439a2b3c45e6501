"""VAT numbers of the 27 Member States with their country prefix, by structure and check digit. Knows no register."""

import re
from collections.abc import Callable

from stdnum.at import uid
from stdnum.be import vat as be
from stdnum.bg import vat as bg
from stdnum.cy import vat as cy
from stdnum.cz import dic
from stdnum.de import vat as de
from stdnum.dk import cvr
from stdnum.ee import kmkr
from stdnum.es import nif as es
from stdnum.fi import alv
from stdnum.fr import tva as fr
from stdnum.gr import vat as gr
from stdnum.hr import oib
from stdnum.hu import anum
from stdnum.ie import vat as ie
from stdnum.it import iva
from stdnum.lt import pvm
from stdnum.lu import tva as lu
from stdnum.lv import pvn
from stdnum.mt import vat as mt
from stdnum.nl import btw
from stdnum.pl import nip
from stdnum.pt import nif as pt
from stdnum.ro import cf
from stdnum.se import vat as se
from stdnum.si import ddv
from stdnum.sk import dph

from kifabrik.datasets.detectors.rule import CHECKSUM, Edges, Hit, Rule, Sheet

KIND = "vat-number"
_D = "(?:[ .-]?[0-9])"
_L = "(?:[ .-]?[A-Z])"
_DL = "(?:[ .-]?[0-9A-Z])"
_END = r"(?![0-9A-Za-z]|[.-][0-9])"
_BODIES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "AT": (rf" ?U{_D}{{8}}", uid.is_valid),
    "BE": (rf"[ .-]?[01]?{_D}{{9}}", be.is_valid),
    "BG": (rf"{_D}{{9,10}}", bg.is_valid),
    "CY": (rf"{_D}{{8}}{_L}", cy.is_valid),
    "CZ": (rf"{_D}{{8,10}}", dic.is_valid),
    "DE": (rf"{_D}{{9}}", de.is_valid),
    "DK": (rf"{_D}{{8}}", cvr.is_valid),
    "EE": (rf"{_D}{{9}}", kmkr.is_valid),
    "EL": (rf"{_D}{{9}}", gr.is_valid),
    "ES": (rf"{_DL}{_D}{{7}}{_DL}", es.is_valid),
    "FI": (rf"{_D}{{8}}", alv.is_valid),
    "FR": (rf"{_DL}{{2}}{_D}{{9}}", fr.is_valid),
    "HR": (rf"{_D}{{11}}", oib.is_valid),
    "HU": (rf"{_D}{{8}}", anum.is_valid),
    "IE": (rf"{_D}{_DL}{_D}{{5}}{_L}{{1,2}}", ie.is_valid),
    "IT": (rf"{_D}{{11}}", iva.is_valid),
    "LT": (rf"{_D}{{12}}|{_D}{{9}}", pvm.is_valid),
    "LU": (rf"{_D}{{8}}", lu.is_valid),
    "LV": (rf"{_D}{{11}}", pvn.is_valid),
    "MT": (rf"{_D}{{8}}", mt.is_valid),
    "NL": (rf"{_D}{{9}}[ .-]?B{_D}{{2}}", btw.is_valid),
    "PL": (rf"{_D}{{10}}", nip.is_valid),
    "PT": (rf"{_D}{{9}}", pt.is_valid),
    "RO": (rf"{_D}{{6,10}}", cf.is_valid),
    "SE": (rf"{_D}{{10}}[ .-]?01", se.is_valid),
    "SI": (rf"{_D}{{8}}", ddv.is_valid),
    "SK": (rf"{_D}{{10}}", dph.is_valid),
}
COUNTRIES: tuple[str, ...] = tuple("GR" if prefix == "EL" else prefix for prefix in _BODIES)
_PATTERNS = {prefix: re.compile(f"(?:{body}){_END}") for prefix, (body, _) in _BODIES.items()}
_SEPARATORS = str.maketrans("", "", " .-")
_PREFIXES = rb"BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK"
_ANCHORS = (
    rb"\bAT ?U[ .-]?[0-9]",
    rb"\b(?:" + _PREFIXES + rb")[ .-]?[0-9]",
    rb"\b(?:ES[ .-]?[A-Z]|FR[ .-]?[A-HJ-NP-Z])[0-9]",
    rb"\bFR[A-HJ-NP-Z][A-HJ-NP-Z][0-9]",
)
_EXAMPLES = frozenset(
    {"DE123456789", "ATU12345678", "FR12345678901", "NL123456789B01", "IT12345678901", "PL1234567890"}
)


def _examine(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    if start and text[start - 1].isalnum():
        return None
    prefix = text[start : start + 2]
    match = _PATTERNS[prefix].match(text, start + 2) if prefix in _PATTERNS else None
    if match is None:
        return None
    number = match[0].translate(_SEPARATORS)
    if len(set(number)) <= 2 or not _BODIES[prefix][1](number):
        return None
    country = "GR" if prefix == "EL" else prefix
    value = prefix + number
    return Hit(KIND, start, match.end(), CHECKSUM, value, country, value in _EXAMPLES)


VAT = Rule(
    kind=KIND,
    label="VAT numbers (of sole traders, too)",
    anchors=_ANCHORS,
    examine=_examine,
    serious_from=5,
    examples="numbers that manuals print",
    edges=Edges(before="_-."),
)
