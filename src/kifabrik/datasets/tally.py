"""What a check counted. Knows numbers, not whether they are good."""

from collections import Counter
from dataclasses import dataclass, field

from kifabrik.datasets.rights import RightsTally
from kifabrik.records.dataset_card import PersonalDataCount, SkippedFile

SKIPPED_SHOWN_MAX = 100
PLACES_SHOWN_MAX = 3


@dataclass(slots=True)
class KindTally:
    """One kind of personal identifier: findings, documents, the first places, and examples counted apart."""

    findings: int = 0
    documents: int = 0
    examples: int = 0
    replaced: int = 0
    places: list[str] = field(default_factory=list)
    tiers: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """All counts of one check; those of documents are of kept ones unless the name says otherwise."""

    files_read: int = 0
    files_skipped: int = 0
    broken_records: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    cut_files: int = 0
    documents_read: int = 0
    empty_documents: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    twins_kept: int = 0
    elsewhere: dict[str, int] = field(default_factory=dict)  # label of another dataset -> documents that it holds too
    elsewhere_removed: int = 0
    touching_documents: int = 0
    dropped_documents: int = 0
    documents_kept: int = 0
    text_bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    licences_declared: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)  # exponent of the power of two above the bytes
    kinds: dict[str, KindTally] = field(default_factory=dict)
    rights: RightsTally = field(default_factory=RightsTally)

    def kind(self, name: str) -> KindTally:
        """Give the counts of one kind of identifier."""
        return self.kinds.setdefault(name, KindTally())

    def personal_data(self) -> tuple[PersonalDataCount, ...]:
        """Give the counts per kind as a card holds them, kinds without a finding left out."""
        return tuple(
            PersonalDataCount(
                kind=kind,
                findings=tally.findings,
                documents=tally.documents,
                tiers=dict(sorted(tally.tiers.items(), reverse=True)),
                countries=dict(sorted(tally.countries.items())),
            )
            for kind, tally in sorted(self.kinds.items())
            if tally.findings
        )

    def length_table(self) -> dict[str, int]:
        """Give how many documents are shorter than each power of two, and not shorter than the one before."""
        return {f"<{2**exponent}": self.lengths[exponent] for exponent in sorted(self.lengths)}
