"""Which crawled domain names the public summary lists. Knows the shares of the template, not what a domain holds."""

from collections import Counter
from collections.abc import Sequence

from kifabrik.passport.summary_template import summary_template
from kifabrik.records import DatasetCard


def domain_rows(cards: Sequence[DatasetCard], *, is_sme: bool | None) -> tuple[tuple[tuple[str, int], ...], bool]:
    """Give (domain, bytes) of the domains to list, the largest first, and whether the cards name enough of them.

    At least one domain is listed. Whoever does not say that it is an SME is held to the rule for all others.
    """
    counts: Counter[str] = Counter()
    for card in cards:
        counts.update({row.domain: row.text_bytes for row in card.domains})
    whole = max(len(counts), *(max(card.domains_count, len(card.domains)) for card in cards))
    wanted = domains_to_list(whole, is_sme=is_sme)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return tuple(rows[:wanted]), len(rows) >= wanted


def domains_to_list(count: int, *, is_sme: bool | None) -> int:
    """Say how many of `count` domains a summary lists: rounded up, and at least one if there is any."""
    template = summary_template()
    percent = template.domain_percent_sme if is_sme else template.domain_percent
    wanted = -(-count * percent.value // 100)
    return min(wanted, template.domains_sme_max.value) if is_sme else wanted
