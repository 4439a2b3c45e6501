"""Makes the part of one task: read its pieces, look at the texts in blocks, write what is kept and what is known.

The same function runs in this process, in a worker, and in a job of a cluster. Knows the order of the work in a task.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import write_bytes
from kifabrik.datasets.documents import CODE_FORMATS, TEXT_FORMATS, Passage, SourceFile
from kifabrik.datasets.pipeline import manifest as manifests
from kifabrik.datasets.pipeline import workplace
from kifabrik.datasets.pipeline.instruments import Instruments
from kifabrik.datasets.pipeline.manifest import MANIFEST, SKIPPED_KEPT_MAX, PartManifest
from kifabrik.datasets.pipeline.part_files import PartWriter, list_sizes
from kifabrik.datasets.pipeline.plan import Piece, Task
from kifabrik.datasets.pipeline.rows import Item, lay_out
from kifabrik.datasets.readers import Unreadable, read_passages
from kifabrik.datasets.settings import PartSettings
from kifabrik.records.dataset_card import SkippedFile

_BLOCK_CHARACTERS = 1_000_000  # languages are told faster together; longer blocks outgrow the caches
_BLOCK_TEXTS = 4_000
_SEEN_MAX = 1_000_000  # digests held at once; copies that lie further apart are found when the parts are joined
_RECORD = re.compile(r":\d+\Z")  # the line or row that a reader names
Report = Callable[[int], None]


def make_part(
    task: Task, settings: PartSettings, *, place: Path, instruments: Callable[[], Instruments], report: Report
) -> PartManifest:
    """Give the part of a task, made now unless a whole one of the same input and settings lies there already.

    `report` receives the bytes of the task that were read so far. Raises InvalidInput with file and record, Unavailable
    for a disk that is full.
    """
    folder = workplace.part_folder(place, task.number)
    if folder.exists():
        known = manifests.read_fitting(folder, task=task, settings=settings, input_digest=manifests.digest_input(task))
        if known is not None:
            report(task.size_bytes)
            return known
    before = manifests.look_at_files(task)
    with workplace.building(folder) as draft:
        with PartWriter(draft) as writer:
            work = _Work(settings, instruments(), writer, draft, report)
            for piece in task.pieces:
                work.read(piece)
            work.flush()
        digest = manifests.digest_input(task)
        if manifests.look_at_files(task) != before:
            raise InvalidInput(
                "changed while it was read.",
                where=task.pieces[0].name if len(task.pieces) == 1 else f"one of {len(task.pieces)} files",
                remedy="Let nobody write to the texts, then start again.",
            )
        made = work.describe(task, digest, list_sizes(draft), writer)
        write_bytes(draft / MANIFEST, made.as_json())
    return made


@dataclass(slots=True)
class _Work:
    settings: PartSettings
    instruments: Instruments
    writer: PartWriter
    folder: Path
    report: Report
    cut_before: int = field(init=False)
    seen: set[bytes] = field(default_factory=set)
    block: list[Item] = field(default_factory=list)
    block_characters: int = 0
    done_bytes: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    skipped: list[SkippedFile] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cut_before = self.instruments.texts_cut_for_names

    def read(self, piece: Piece) -> None:
        """Read one piece; what no reader can use is counted and the rest goes on."""
        try:
            self._read_file(piece)
            self.counts["files"] += piece.begin == 0
        except Unreadable as reason:
            self._skip(piece.name, str(reason))
        self.done_bytes += piece.size_bytes
        self.report(self.done_bytes)

    def _read_file(self, piece: Piece) -> None:
        file = piece.as_file()
        on_skip = None if self.settings.stops_at_broken else self._skip
        for passage in read_passages(file, limits=self.settings.limits, on_skip=on_skip):
            self.counts["cut"] += file.format in TEXT_FORMATS and passage.record == 2
            self._take(file, passage)
            if self.block_characters >= _BLOCK_CHARACTERS or len(self.block) >= _BLOCK_TEXTS:
                self.flush()
                self.report(self.done_bytes + min(passage.bytes_read, piece.size_bytes))

    def _skip(self, path: str, reason: str) -> None:
        self.counts["skipped"] += 1
        self.counts["broken"] += _RECORD.search(path) is not None
        if len(self.skipped) < SKIPPED_KEPT_MAX:
            self.skipped.append(SkippedFile(path=path, reason=reason))

    def _take(self, file: SourceFile, passage: Passage) -> None:
        """Leave out what is empty or known; keep the rest for the next look."""
        self.counts["read"] += 1
        text = passage.text
        if not text or text.isspace():
            self.counts["empty"] += 1
            return
        data = text.encode()
        digest = sha256(data).digest()
        if digest in self.seen:
            self.counts["duplicates"] += 1
            return
        if len(self.seen) < _SEEN_MAX:
            self.seen.add(digest)
        name = file.format_of(passage)
        self.block.append(Item(passage, file.locate(passage), name, name in CODE_FORMATS, data, digest))
        self.block_characters += len(text)

    def flush(self) -> None:
        """Look at the texts that wait, and write what is kept."""
        if not self.block:
            return
        looked = self.instruments.look(self.block)
        rows = lay_out(looked, first_row=self.writer.rows)
        self.counts["dropped"] += looked.dropped
        self.replaced.update(looked.replaced)
        if rows.texts["id"]:
            self.writer.add(rows.texts, rows.facts, looked.signatures)
        if rows.hits["row"]:
            self.writer.add_hits(rows.hits)
        self.block, self.block_characters = [], 0

    def describe(self, task: Task, input_digest: str, sizes: dict[str, int], writer: PartWriter) -> PartManifest:
        """Put the counts into a manifest."""
        return PartManifest(
            task=task.digest,
            settings=self.settings.digest,
            input=input_digest,
            rows=writer.rows,
            groups=tuple(writer.groups),
            hits=writer.hits,
            sizes=sizes,
            files_read=self.counts["files"],
            skipped_count=self.counts["skipped"],
            broken_records=self.counts["broken"],
            skipped=tuple(self.skipped),
            cut_files=self.counts["cut"],
            documents_read=self.counts["read"],
            empty_documents=self.counts["empty"],
            duplicates=self.counts["duplicates"],
            dropped_documents=self.counts["dropped"],
            replaced=dict(sorted(self.replaced.items())),
            texts_cut_for_names=self.instruments.texts_cut_for_names - self.cut_before,
        )
