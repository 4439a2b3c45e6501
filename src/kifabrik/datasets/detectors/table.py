"""The rule table. To find a new kind, write its rule and add it to RULES."""

from kifabrik.datasets.detectors.bank import IBAN, PAYMENT_CARD
from kifabrik.datasets.detectors.births import BIRTH
from kifabrik.datasets.detectors.internet import IP_V4, IP_V6
from kifabrik.datasets.detectors.machines import MAC
from kifabrik.datasets.detectors.mail import EMAIL
from kifabrik.datasets.detectors.national import NATIONAL_RULES
from kifabrik.datasets.detectors.passes import Programme, compile_rules, find_hits
from kifabrik.datasets.detectors.phone import PHONE_RULES
from kifabrik.datasets.detectors.places import COORDINATE_RULES
from kifabrik.datasets.detectors.rule import CONTEXT, SHAPE, Hit, Rule, Sheet
from kifabrik.datasets.detectors.secrets import SECRET_RULES
from kifabrik.datasets.detectors.travel import TRAVEL_RULES
from kifabrik.datasets.detectors.vat import VAT
from kifabrik.datasets.detectors.web import URL_CREDENTIALS

VERSION = "2026-11-24"
RULES: tuple[Rule, ...] = (  # where equally sure and equally long hits overlap, the earlier rule wins
    *SECRET_RULES,
    URL_CREDENTIALS,
    EMAIL,
    IBAN,
    VAT,
    PAYMENT_CARD,
    *TRAVEL_RULES,
    *NATIONAL_RULES,
    *PHONE_RULES,
    IP_V4,
    IP_V6,
    MAC,
    *COORDINATE_RULES,
    BIRTH,
)
KINDS: dict[str, Rule] = {rule.kind: rule for rule in reversed(RULES)}
_programme: list[Programme] = []


def scan(text: str, *, is_code: bool) -> tuple[Hit, ...]:
    """Find all personal identifiers of a text, in the order of their places; hits never overlap."""
    if not _programme:
        _programme.append(compile_rules(RULES, "auto"))
    return find_hits(_programme[0], [Sheet(text, is_code, tier_min=CONTEXT if is_code else SHAPE)])[0]
