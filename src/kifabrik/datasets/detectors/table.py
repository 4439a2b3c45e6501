"""The rule table. To find a new kind, write its rule and add it to RULES."""

from kifabrik.datasets.detectors.bank import IBAN, PAYMENT_CARD
from kifabrik.datasets.detectors.births import BIRTH_RULES
from kifabrik.datasets.detectors.internet import IP_V4, IP_V6
from kifabrik.datasets.detectors.machines import MAC
from kifabrik.datasets.detectors.mail import EMAIL
from kifabrik.datasets.detectors.national import NATIONAL_RULES
from kifabrik.datasets.detectors.phone import PHONE_RULES
from kifabrik.datasets.detectors.places import COORDINATE_RULES
from kifabrik.datasets.detectors.rule import Rule
from kifabrik.datasets.detectors.secrets import SECRET_RULES
from kifabrik.datasets.detectors.travel import TRAVEL_RULES
from kifabrik.datasets.detectors.vat import VAT
from kifabrik.datasets.detectors.web import URL_CREDENTIALS

VERSION = "2026-11-25"
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
    *BIRTH_RULES,
)
KINDS: dict[str, Rule] = {rule.kind: rule for rule in reversed(RULES)}
