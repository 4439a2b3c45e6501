"""What findings of a kind are called in English, one and many. Knows words, no rule and no figure."""

from kifabrik.core.quantities import format_count
from kifabrik.datasets.detectors.table import KINDS

_MANY_MORE = {"name": "names of persons", "address": "addresses of persons"}  # they have no rule in the table
_ONE = {
    "address": "address of a person",
    "coordinates": "place by its coordinates",
    "date-of-birth": "date of birth",
    "driving-licence": "driving licence",
    "email": "e-mail address",
    "iban": "bank account number (IBAN)",
    "ip-address": "IP address",
    "mac-address": "hardware address (MAC)",
    "name": "name of a person",
    "national-id": "national identity, social security or tax number",
    "payment-card": "payment card number",
    "phone": "telephone number",
    "secret": "key, token or password",
    "travel-document": "passport or identity card",
    "url-credentials": "user name with a password in an address",
    "vat-number": "VAT number (of sole traders, too)",
}


def count(kind: str, number: int) -> str:
    """Say how many of a kind there are; a kind without a name is called by its code."""
    many = KINDS[kind].label if kind in KINDS else _MANY_MORE.get(kind, kind)
    return format_count(number, _ONE.get(kind, many), many)
