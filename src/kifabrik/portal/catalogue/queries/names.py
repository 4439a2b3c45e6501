"""What the codes of a dataset card are called in the reader's language: kinds of personal data, and languages.

Knows names, no figures. A code without a name is shown as it is.
"""

from typing import TYPE_CHECKING

from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words  # the stubs know it, Django does not

KINDS: "dict[str, Words]" = {
    "address": gettext_lazy("addresses of persons"),
    "coordinates": gettext_lazy("coordinates of places"),
    "date-of-birth": gettext_lazy("dates of birth"),
    "driving-licence": gettext_lazy("driving licences"),
    "email": gettext_lazy("e-mail addresses"),
    "iban": gettext_lazy("bank account numbers (IBAN)"),
    "ip-address": gettext_lazy("IP addresses"),
    "mac-address": gettext_lazy("hardware addresses (MAC)"),
    "name": gettext_lazy("names of persons"),
    "national-id": gettext_lazy("national identity, social security and tax numbers"),
    "payment-card": gettext_lazy("payment card numbers"),
    "phone": gettext_lazy("telephone numbers"),
    "secret": gettext_lazy("keys, tokens and passwords"),
    "travel-document": gettext_lazy("passports and identity cards"),
    "url-credentials": gettext_lazy("user names with passwords in addresses"),
    "vat-number": gettext_lazy("VAT numbers (of sole traders, too)"),
}


def name_kind(kind: str) -> str:
    """Name a kind of personal data."""
    return str(KINDS.get(kind, kind))


def name_language(code: str) -> str:
    """Name the language of a document as the check tells it, with its code of ISO 639."""
    known = {
        "und": _("not told apart"),
        "zxx": _("no language"),
        "code": _("source code"),
        "mt": f"{_('Maltese')} (mt)",
        "zh": f"{_('Chinese')} (zh)",
    }
    if code in known:
        return known[code]
    try:
        return f"{get_language_info(code)['name_translated']} ({code})"
    except KeyError:
        return code
