"""The rule table. To find a new kind, write its rule and add it to RULES."""

from kifabrik.datasets.detectors.bank import IBAN, PAYMENT_CARD
from kifabrik.datasets.detectors.internet import IP_V4, IP_V6
from kifabrik.datasets.detectors.mail import EMAIL
from kifabrik.datasets.detectors.passes import compile_rules, find_hits
from kifabrik.datasets.detectors.phone import PHONE
from kifabrik.datasets.detectors.rule import CONTEXT, SHAPE, Hit, Rule, Sheet

VERSION = "2026-11-24"
RULES: tuple[Rule, ...] = (
    EMAIL,
    IBAN,
    PHONE,
    PAYMENT_CARD,
    IP_V4,
    IP_V6,
)  # of equal hits that overlap, the earlier wins
KINDS: dict[str, Rule] = {rule.kind: rule for rule in reversed(RULES)}
_PROGRAMME = compile_rules(RULES, "auto")


def scan(text: str, *, is_code: bool) -> tuple[Hit, ...]:
    """Find all personal identifiers of a text, in the order of their places; hits never overlap."""
    return find_hits(_PROGRAMME, [Sheet(text, is_code, tier_min=CONTEXT if is_code else SHAPE)])[0]
