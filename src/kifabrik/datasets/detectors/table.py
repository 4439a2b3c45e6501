"""The rule table and the one pass over a text. To find a new kind, write its rule and add it to RULES."""

from kifabrik.datasets.detectors.bank import IBAN, PAYMENT_CARD
from kifabrik.datasets.detectors.internet import IP_V4, IP_V6
from kifabrik.datasets.detectors.mail import EMAIL
from kifabrik.datasets.detectors.phone import PHONE
from kifabrik.datasets.detectors.rule import Hit, Rule

RULES: tuple[Rule, ...] = (EMAIL, IBAN, PHONE, PAYMENT_CARD, IP_V4, IP_V6)  # where two overlap, the earlier one wins
KINDS: dict[str, Rule] = {rule.kind: rule for rule in reversed(RULES)}


def scan(text: str, *, is_code: bool) -> tuple[Hit, ...]:
    """Find all personal identifiers of a text, in the order of their places; hits never overlap."""
    hits: list[Hit] = []
    for rule in RULES:
        for match in rule.anchor.finditer(text):
            hit = rule.examine(text, match, is_code)
            if hit is not None and not any(hit.start < other.end and other.start < hit.end for other in hits):
                hits.append(hit)
    return tuple(sorted(hits, key=lambda hit: hit.start))
