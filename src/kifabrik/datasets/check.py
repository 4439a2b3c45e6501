"""The one pass from files to a dataset folder: read, drop exact duplicates, look, split, write, judge.

Knows the order of the work; each step lives in a module of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from kifabrik import __version__
from kifabrik.core.digests import digest_listing
from kifabrik.core.errors import InvalidInput
from kifabrik.datasets import licences, sources, split, verdicts
from kifabrik.datasets.detectors.table import scan
from kifabrik.datasets.documents import (
    CODE_FORMATS,
    STANDARD_LIMITS,
    TEXT_FORMATS,
    Document,
    Limits,
    Passage,
    ProgressNote,
)
from kifabrik.datasets.finding_rows import RowWriter, writing_rows
from kifabrik.datasets.folder import CARD_NAME, building, require_free
from kifabrik.datasets.language import identify
from kifabrik.datasets.readers import Unreadable, read_passages
from kifabrik.datasets.shards import ShardWriter
from kifabrik.datasets.sources import Selection, SourceFile
from kifabrik.datasets.split import Split, Splitter
from kifabrik.datasets.tally import SKIPPED_SHOWN_MAX, Tally
from kifabrik.records.dataset_card import DatasetCard, DeclaredOrigin, SkippedFile

Report = Callable[[ProgressNote], None]
_NOTE_EVERY = 0.01


def check_dataset(
    paths: Sequence[Path],
    *,
    out: Path,
    name: str,
    origin: DeclaredOrigin,
    now: datetime,
    progress: Report | None = None,
    limits: Limits = STANDARD_LIMITS,
    held_out_share: float = 0.05,
    seed: int = 17,
    findings_out: Path | None = None,
) -> DatasetCard:
    """Check files and folders and write the dataset folder `out`, whole or not at all; returns its card.

    Equal inputs give equal shards and an equal digest. `findings_out` receives one JSON line per personal identifier.
    Raises NotFound, InvalidInput with file and line, Conflict if `out` is taken, Unavailable for a full disk.
    """
    if not 0 <= held_out_share < 1:
        raise InvalidInput("the held-out share is not between 0 and 1.", remedy="Write for example 0.05.")
    require_free(out)
    _require_outside(out, paths)
    selection = sources.find_files(paths, limits=limits)
    with writing_rows(findings_out) as rows, building(out) as place:
        work = _Pass(
            splitter=Splitter(held_out_share, seed),
            train=ShardWriter(place, "train", limits.shard_bytes_max),
            held_out=ShardWriter(place, "held-out", limits.shard_bytes_max),
            rows=rows,
            where=", ".join(str(path) for path in paths[:3]),
        )
        work.tally.skipped.extend(selection.skipped)
        try:
            work.read_all(selection, limits, progress)
        finally:
            work.discard()
        card = work.make_card(name, origin, now, split.describe(held_out_share, seed))
        card.write(place / CARD_NAME)
    return card


def _require_outside(out: Path, paths: Sequence[Path]) -> None:
    """A dataset folder inside the folder it is made of would be read as its own source next time."""
    for path in paths:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise InvalidInput(
                f"lies inside {path}, which is to be checked.", where=str(out), remedy="Choose a folder elsewhere."
            )


@dataclass(slots=True)
class _Pass:
    """The state of one pass: what was seen, counted and written."""

    splitter: Splitter[tuple[Document, int]]
    train: ShardWriter
    held_out: ShardWriter
    rows: RowWriter
    where: str
    tally: Tally = field(default_factory=Tally)
    seen: set[bytes] = field(default_factory=set)

    def read_all(self, selection: Selection, limits: Limits, progress: Report | None) -> None:
        """Read every file in order; raises InvalidInput if none of them holds text."""
        total, done_bytes, noted = max(1, selection.size_bytes), 0, -1.0
        for file in selection.files:
            for read_bytes in self._read_file(file, limits):
                share = min(1.0, (done_bytes + read_bytes) / total)
                if progress is not None and share - noted >= _NOTE_EVERY:
                    noted = share
                    progress(ProgressNote("dataset", share, f"{self.tally.documents_read} documents"))
            done_bytes += file.size_bytes
        if not self.tally.documents_kept:
            raise _refuse_nothing(self.tally, self.where)
        for where, (document, size_bytes) in self.splitter.close():
            self._write(where, document, size_bytes)
        self.train.close()
        self.held_out.close()
        if progress is not None:
            progress(ProgressNote("dataset", 1.0, f"{self.tally.documents_read} documents"))

    def _read_file(self, file: SourceFile, limits: Limits) -> Iterator[int]:
        try:
            for passage in read_passages(file, limits=limits):
                self.tally.cut_files += file.format in TEXT_FORMATS and passage.record == 2
                self._take(file, passage)
                yield passage.bytes_read
            self.tally.files_read += 1
        except Unreadable as reason:
            self.tally.skipped.append(SkippedFile(path=file.name, reason=str(reason)))

    def _take(self, file: SourceFile, passage: Passage) -> None:
        """Drop what is empty or known; look at the rest and send it to its split."""
        self.tally.documents_read += 1
        if not passage.text.strip():
            self.tally.empty_documents += 1
            return
        data = passage.text.encode()
        digest = sha256(data)
        if digest.digest() in self.seen:
            self.tally.duplicates += 1
            return
        self.seen.add(digest.digest())
        mark = "#" if file.format in TEXT_FORMATS else ":"  # a piece of a text, or a line or row
        source = f"{file.name}{mark}{passage.record}" if passage.record else file.name
        document = Document("sha256:" + digest.hexdigest(), source, passage.text, file.format)
        self._look(document, len(data))
        for where, (ready, size_bytes) in self.splitter.send(document.id, (document, len(data))):
            self._write(where, ready, size_bytes)

    def _look(self, document: Document, size_bytes: int) -> None:
        tally = self.tally
        tally.documents_kept += 1
        tally.text_bytes += size_bytes
        tally.formats[document.format] += 1
        is_code = document.format in CODE_FORMATS
        tally.languages[identify(document.text, is_code=is_code)] += 1
        tally.licences.update(licences.find_licences(document.text))
        hits = scan(document.text, is_code=is_code)
        if hits:
            tally.count_hits(document.source, hits)
            for hit in hits:
                if not hit.is_example:
                    self.rows.write(document.source, hit)

    def _write(self, where: Split, document: Document, size_bytes: int) -> None:
        self.tally.splits[where] += 1
        writer = self.held_out if where == "held-out" else self.train
        writer.add(document, size_bytes)

    def discard(self) -> None:
        """Let go of open files after an error; harmless after success."""
        self.train.discard()
        self.held_out.discard()

    def make_card(self, name: str, origin: DeclaredOrigin, now: datetime, split_rule: str) -> DatasetCard:
        """Put the counts and the shards on a card."""
        tally = self.tally
        skipped = sorted(tally.skipped, key=lambda file: file.path)
        shards = (*self.train.shards, *self.held_out.shards)
        return DatasetCard(
            name=name,
            dataset_digest=digest_listing({shard.path: shard.digest for shard in shards}),
            made_at=now.astimezone(UTC).isoformat(),
            tool=f"kifabrik {__version__}",
            origin=origin,
            files_read=tally.files_read,
            files_skipped=len(skipped),
            skipped=tuple(skipped[:SKIPPED_SHOWN_MAX]),
            documents_read=tally.documents_read,
            documents_kept=tally.documents_kept,
            exact_duplicates_removed=tally.duplicates,
            text_bytes=tally.text_bytes,
            train_documents=tally.splits["train"],
            held_out_documents=tally.splits["held-out"],
            split_rule=split_rule,
            languages=dict(sorted(tally.languages.items())),
            formats=dict(sorted(tally.formats.items())),
            licences_detected=dict(sorted(tally.licences.items())),
            personal_data=tally.personal_data(),
            findings=verdicts.judge(tally, origin=origin),
            not_checked=tuple(verdicts.NOT_CHECKED.values()),
            shards=shards,
        )


def _refuse_nothing(tally: Tally, where: str) -> InvalidInput:
    message = "no text was found: there is no file."
    if tally.empty_documents:
        message = "no text was found: every text is empty."
    elif tally.skipped:
        first = tally.skipped[0]
        message = f"no text was found; the first of {len(tally.skipped)} files is {first.path}: {first.reason}."
    return InvalidInput(message, where=where, remedy="Give files that hold text. " + sources.READABLE)
