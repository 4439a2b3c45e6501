"""What lists say of a dataset version: a few figures kept beside the card, so that no list reads whole cards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kifabrik.core.canonical import Json
from kifabrik.core.findings import Finding, Severity
from kifabrik.records import DatasetCard


@dataclass(frozen=True, slots=True)
class CardSummary:
    """The figures of a card that lists show; `stopping` are its serious and blocking findings."""

    title: str
    licence: str
    documents_kept: int
    text_bytes: int
    stopping: tuple[Finding, ...]

    @classmethod
    def of(cls, card: DatasetCard) -> "CardSummary":
        """Take the figures from a card."""
        heavy = tuple(row for row in card.findings if row.severity in {Severity.SERIOUS, Severity.BLOCKING})
        return cls(card.origin.title, card.origin.licence, card.documents_kept, card.text_bytes, heavy)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "CardSummary":
        """Read what was kept."""
        heavy = tuple(Finding.from_dict(each) for each in row["stopping"])
        return cls(row["title"], row["licence"], row["documents_kept"], row["text_bytes"], heavy)

    def keep(self) -> dict[str, Json]:
        """Write what is kept."""
        return {
            "title": self.title,
            "licence": self.licence,
            "documents_kept": self.documents_kept,
            "text_bytes": self.text_bytes,
            "stopping": [row.as_dict() for row in self.stopping],
        }
