"""Rights in the texts of a dataset: which domain each comes from, and whether its owner reserved mining it.

`RightsTally` counts while documents stream by and can be merged from parts; `judge` turns the counts into findings.
Knows addresses and opt-outs, not whether a reservation binds whoever trains.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from kifabrik.core.findings import Finding, Severity
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.hosts import is_address, registrable_domain
from kifabrik.datasets.opt_outs import OptOuts, read_opt_outs
from kifabrik.datasets.reference import crawlers
from kifabrik.records.dataset_card import DeclaredOrigin, DomainShare, RightsRecord

__all__ = ["OptOuts", "RightsTally", "address_of", "judge", "read_opt_outs", "registrable_domain"]

DOMAINS_SHOWN_MAX = 1_000
DOMAINS_COUNTED_MAX = 500_000  # about 100 MB; beyond, the smallest are counted together
PLACES_SHOWN_MAX = 3
_DIRECTIVE = "Directive (EU) 2019/790, Article 4(3)"


def address_of(*, url: str = "", source: str = "") -> str:
    """Give the address of a document: its url column, else its source if that is an address; empty without one."""
    if is_address(url):
        return url
    return source if is_address(source) else ""


@dataclass(slots=True)
class RightsTally:
    """What is counted about rights, document by document; parts of a dataset are counted apart and merged in order."""

    documents: Counter[str] = field(default_factory=Counter)
    text_bytes: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)
    other_domains: int = 0
    other_domains_documents: int = 0
    other_domains_bytes: int = 0
    documents_with_address: int = 0
    documents_judged: int = 0
    reserved_documents: int = 0
    reserved_bytes: int = 0
    removed_documents: int = 0

    def take(self, *, address: str, size_bytes: int, opt_outs: OptOuts, drop_reserved: bool = False) -> bool:
        """Count one document by its address and the bytes of its text; returns whether it is to be left out."""
        if not address:
            return False
        self.documents_with_address += 1
        said = opt_outs.judge(address) if opt_outs.hosts else None
        self.documents_judged += said is not None
        domain = registrable_domain(address)
        if said:
            self.reserved[domain] += 1
            if drop_reserved:
                self.removed_documents += 1
                return True
            self.reserved_documents += 1
            self.reserved_bytes += size_bytes
        if domain:
            self.documents[domain] += 1
            self.text_bytes[domain] += size_bytes
            self._hold_small()
        return False

    def merge(self, other: "RightsTally") -> None:
        """Add the counts of another part."""
        self.documents.update(other.documents)
        self.text_bytes.update(other.text_bytes)
        self.reserved.update(other.reserved)
        for name in (
            "other_domains",
            "other_domains_documents",
            "other_domains_bytes",
            "documents_with_address",
            "documents_judged",
            "reserved_documents",
            "reserved_bytes",
            "removed_documents",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._hold_small()

    @property
    def domains_count(self) -> int:
        """How many domains there are in all; beyond half a million an upper bound."""
        return len(self.text_bytes) + self.other_domains

    def domains(self) -> tuple[DomainShare, ...]:
        """Give the largest domains by bytes, at most a thousand."""
        rows = sorted(self.text_bytes.items(), key=lambda row: (-row[1], row[0]))[:DOMAINS_SHOWN_MAX]
        return tuple(DomainShare(domain=name, documents=self.documents[name], text_bytes=size) for name, size in rows)

    def record(self, opt_outs: OptOuts) -> RightsRecord | None:
        """Put the counts on a record for the card; None where no opt-out files were given."""
        if not opt_outs.evidence and not opt_outs.skipped:
            return None
        return RightsRecord(
            documents_with_address=self.documents_with_address,
            documents_judged=self.documents_judged,
            reserved_documents=self.reserved_documents,
            reserved_bytes=self.reserved_bytes,
            removed_documents=self.removed_documents,
            crawlers=crawlers().version,
        )

    def _hold_small(self) -> None:
        """Count the smallest domains together once there are too many to name; equal input gives equal counts."""
        if len(self.text_bytes) <= DOMAINS_COUNTED_MAX:
            return
        rows = sorted(self.text_bytes.items(), key=lambda row: (-row[1], row[0]))
        for name, size in rows[DOMAINS_COUNTED_MAX // 2 :]:
            self.other_domains += 1
            self.other_domains_bytes += size
            self.other_domains_documents += self.documents.pop(name)
            del self.text_bytes[name]


def judge(tally: RightsTally, opt_outs: OptOuts, *, origin: DeclaredOrigin) -> tuple[Finding, ...]:
    """Give the findings about opt-outs, heaviest first: kept although reserved, not judged, files not read."""
    return (*_judge_reserved(tally), *_judge_missing(tally, opt_outs, origin), *_judge_files(opt_outs))


def _judge_reserved(tally: RightsTally) -> Iterator[Finding]:
    names = [name for name, _count in sorted(tally.reserved.items(), key=lambda row: (-row[1], row[0]))]
    more = f" and {len(names) - PLACES_SHOWN_MAX} more" if len(names) > PLACES_SHOWN_MAX else ""
    shown = ", ".join(name or "hosts without a registered domain" for name in names[:PLACES_SHOWN_MAX]) + more
    if tally.reserved_documents:
        yield Finding(
            code="dataset.rights.reserved",
            severity=Severity.SERIOUS,
            message=f"{tally.reserved_documents} documents ({format_bytes(tally.reserved_bytes)}) come from addresses "
            f"whose owners reserve text and data mining: {shown}.",
            where="documents",
            remedy="Leave them out with --drop-reserved, or let a named person accept why training on them is right, "
            "for example because a licence was agreed.",
            reference=_DIRECTIVE,
        )
    if tally.removed_documents:
        yield Finding(
            code="dataset.rights.removed",
            severity=Severity.INFO,
            message=f"{tally.removed_documents} documents were left out because text and data mining is reserved: "
            f"{shown}.",
            reference=_DIRECTIVE,
        )


def _judge_missing(tally: RightsTally, opt_outs: OptOuts, origin: DeclaredOrigin) -> Iterator[Finding]:
    open_documents = tally.documents_with_address - tally.documents_judged
    if origin.source_kind == "crawled" and not tally.documents_with_address:
        yield Finding(
            code="dataset.rights.no-addresses",
            severity=Severity.WARNING,
            message="The texts are declared as crawled, but no document names the address it came from.",
            where="origin.source_kind",
            remedy="Keep the address of each page in a column 'url'; without it nobody can check opt-outs.",
            reference=_DIRECTIVE,
        )
    if open_documents and opt_outs.hosts:
        yield Finding(
            code="dataset.rights.not-judged",
            severity=Severity.NOT_CHECKED,
            message=f"Not checked: opt-outs for {open_documents} of {tally.documents_with_address} documents with an "
            "address, because no file was given for their hosts.",
            remedy="Fetch robots.txt, /.well-known/tdmrep.json and ai.txt of these hosts and give the folder again.",
            reference=_DIRECTIVE,
        )


def _judge_files(opt_outs: OptOuts) -> Iterator[Finding]:
    if opt_outs.skipped:
        first = opt_outs.skipped[0]
        yield Finding(
            code="dataset.rights.files-skipped",
            severity=Severity.WARNING,
            message=f"{len(opt_outs.skipped)} opt-out files were not read, the first is {first.path}: {first.reason}.",
            remedy="Fetch them again.",
        )
    undated = sum(not row.dated_on for row in opt_outs.evidence)
    if undated:
        yield Finding(
            code="dataset.rights.undated",
            severity=Severity.WARNING,
            message=f"{undated} opt-out files do not say on which day they were fetched, so they prove little.",
            remedy="Write the day into a file 'fetched_on' beside them, as 2026-11-24.",
        )
