"""What a check counts while documents stream by. Knows numbers, not whether they are good."""

from collections import Counter
from dataclasses import dataclass, field

from kifabrik.datasets.detectors.rule import Hit
from kifabrik.records.dataset_card import PersonalDataCount, SkippedFile

SKIPPED_SHOWN_MAX = 100
PLACES_SHOWN_MAX = 3


@dataclass(slots=True)
class KindTally:
    """One kind of personal identifier: findings, documents, the first places, and examples counted apart."""

    findings: int = 0
    documents: int = 0
    examples: int = 0
    places: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """All counts of one check."""

    files_read: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    cut_files: int = 0
    documents_read: int = 0
    empty_documents: int = 0
    duplicates: int = 0
    documents_kept: int = 0
    text_bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, KindTally] = field(default_factory=dict)

    def count_hits(self, source: str, hits: tuple[Hit, ...]) -> None:
        """Count the identifiers of one document; examples are no personal data and count apart."""
        for kind in {hit.kind for hit in hits}:
            tally = self.kinds.setdefault(kind, KindTally())
            real = sum(hit.kind == kind and not hit.is_example for hit in hits)
            tally.examples += sum(hit.kind == kind and hit.is_example for hit in hits)
            tally.findings += real
            tally.documents += real > 0
            if real and len(tally.places) < PLACES_SHOWN_MAX:
                tally.places.append(source)

    def personal_data(self) -> tuple[PersonalDataCount, ...]:
        """Give the counts per kind as a card holds them, kinds without a finding left out."""
        return tuple(
            PersonalDataCount(kind=kind, findings=tally.findings, documents=tally.documents)
            for kind, tally in sorted(self.kinds.items())
            if tally.findings
        )
