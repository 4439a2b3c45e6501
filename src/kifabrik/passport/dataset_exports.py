"""The papers that are written from a dataset card for others: one door for the command line and the portal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kifabrik.core.findings import Finding
from kifabrik.passport import croissant, dataset_readme, training_summary
from kifabrik.passport.export_format import ExportFormat
from kifabrik.passport.training_summary import SummaryMatter
from kifabrik.records import DatasetCard


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportMatter:
    """A card, and what is known around it where it is registered or named on the command line."""

    card: DatasetCard
    version: str = ""
    publisher: str = ""
    model: str = ""
    is_sme: bool | None = None

    @property
    def summary(self) -> SummaryMatter:
        """The same matter as the public summary takes it."""
        return SummaryMatter(cards=(self.card,), provider=self.publisher, model=self.model, is_sme=self.is_sme)


@dataclass(frozen=True, slots=True)
class Export:
    """One written paper, and what it could not say."""

    file_name: str
    media_type: str
    text: str
    gaps: tuple[Finding, ...]


def export(matter: ExportMatter, form: ExportFormat) -> Export:
    """Write a card in one of the formats, with a finding for everything that it leaves unsaid."""
    return _WRITERS[form](matter)


def _write_croissant(matter: ExportMatter) -> Export:
    document = croissant.render(matter.card, version=matter.version, publisher=matter.publisher)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return Export(croissant.FILE_NAME, "application/ld+json", text, croissant.check(matter.card))


def _write_readme(matter: ExportMatter) -> Export:
    text = dataset_readme.render(matter.card, version=matter.version, publisher=matter.publisher)
    return Export(dataset_readme.FILE_NAME, "text/markdown", text, dataset_readme.check(matter.card))


def _write_summary(matter: ExportMatter) -> Export:
    text = training_summary.render(matter.summary)
    return Export(training_summary.FILE_NAME, "text/markdown", text, training_summary.check(matter.summary))


_WRITERS: Mapping[ExportFormat, Callable[[ExportMatter], Export]] = {
    ExportFormat.CROISSANT: _write_croissant,
    ExportFormat.HUGGINGFACE: _write_readme,
    ExportFormat.EU_SUMMARY: _write_summary,
}
