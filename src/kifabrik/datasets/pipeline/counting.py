"""Counts what is kept, part by part, and writes the rows of findings on the way. Knows columns, not severities."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kifabrik.datasets.finding_rows import RowWriter
from kifabrik.datasets.pipeline.joining import Decision, Mask, Parts
from kifabrik.datasets.pipeline.part_files import FACT_SCHEMA, read_facts, read_hits
from kifabrik.datasets.tally import PLACES_SHOWN_MAX, SKIPPED_SHOWN_MAX, Tally
from kifabrik.records.dataset_card import SkippedFile

_COUNTED = [name for name in FACT_SCHEMA.names if name not in {"id", "source"}]


def count(
    parts: Parts, decision: Decision, *, skipped: Iterable[SkippedFile], still_there: bool, rows: RowWriter
) -> Tally:
    """Count all parts; `still_there` says whether identifiers stay in the texts, or were replaced."""
    tally = Tally(
        duplicates=decision.copies,
        near_duplicates=decision.near_removed,
        twins_kept=decision.twins_kept,
        elsewhere=decision.elsewhere,
        elsewhere_removed=decision.elsewhere_removed,
        touching_documents=sum(decision.touched.values()),
        splits=Counter({split: len(chosen) for split, chosen in decision.splits.items()}),
    )
    all_skipped = list(skipped)
    tally.files_skipped = len(all_skipped)
    for number, (folder, manifest) in enumerate(zip(parts.folders, parts.manifests, strict=True)):
        tally.files_read += manifest.files_read
        tally.files_skipped += manifest.skipped_count
        tally.broken_records += manifest.broken_records
        all_skipped.extend(manifest.skipped)
        tally.cut_files += manifest.cut_files
        tally.documents_read += manifest.documents_read
        tally.empty_documents += manifest.empty_documents
        tally.duplicates += manifest.duplicates
        tally.dropped_documents += manifest.dropped_documents
        is_kept = decision.is_kept[parts.rows_of(number)]
        _count_facts(tally, read_facts(folder, _COUNTED).filter(pa.array(is_kept)))
        if manifest.hits:
            _count_hits(tally, read_hits(folder), read_facts(folder, ["source"]), is_kept, still_there, rows)
    tally.skipped = sorted(all_skipped, key=lambda file: file.path)[:SKIPPED_SHOWN_MAX]
    tally.rights.removed_documents = decision.reserved_removed
    return tally


def _count_facts(tally: Tally, facts: pa.Table) -> None:
    sizes = np.asarray(facts.column("text_bytes").combine_chunks(), dtype=np.int64)
    tally.documents_kept += len(sizes)
    tally.text_bytes += int(sizes.sum())
    for name, counter in (
        ("language", tally.languages),
        ("format", tally.formats),
        ("form", tally.forms),
        ("licence", tally.licences_declared),
    ):
        counter.update(_value_counts(facts.column(name)))
    tally.licences.update(_value_counts(pc.list_flatten(facts.column("licences"))))
    tally.doubts.update(_value_counts(pc.list_flatten(facts.column("doubts"))))
    exponents = np.frexp(sizes.astype(np.float64))[1]  # sizes below 2^53 are exact
    tally.lengths.update(
        {int(each): int(number) for each, number in zip(*np.unique(exponents, return_counts=True), strict=True)}
    )
    _count_rights(tally, facts, sizes)


def _value_counts(column: pa.ChunkedArray | pa.Array) -> dict[str, int]:
    return {str(each["values"]): each["counts"] for each in column.value_counts().to_pylist() if each["values"]}


def _count_rights(tally: Tally, facts: pa.Table, sizes: np.ndarray) -> None:
    rights = tally.rights
    rights.documents_with_address += pc.sum(facts.column("has_address")).as_py() or 0
    reserved = facts.column("reserved")
    rights.documents_judged += len(reserved) - reserved.null_count
    is_reserved = np.asarray(reserved.combine_chunks().fill_null(fill_value=False), dtype=bool)
    rights.reserved_documents += int(is_reserved.sum())
    rights.reserved_bytes += int(sizes[is_reserved].sum())
    domains = facts.column("domain").cast(pa.string())
    rights.reserved.update(_value_counts(domains.filter(pa.array(is_reserved))))
    rights.documents.update(_value_counts(domains))
    table = pa.table({"domain": domains, "size": sizes}).group_by("domain").aggregate([("size", "sum")])
    rights.text_bytes.update({each["domain"]: each["size_sum"] for each in table.to_pylist() if each["domain"]})


def _count_hits(
    tally: Tally, hits: pa.Table, facts: pa.Table, is_kept: Mask, still_there: bool, rows: RowWriter
) -> None:
    """Count the hits of kept documents and write a row for each that is no example."""
    hits = hits.filter(pa.array(is_kept[np.asarray(hits.column("row"))]))
    for kind, number in _value_counts(hits.filter(hits.column("is_example")).column("kind")).items():
        tally.kind(kind).examples += number
    real = hits.filter(pc.invert(hits.column("is_example")))
    sources = facts.column("source").take(real.column("row"))
    rows.write_all(real, sources)
    for kind in sorted(_value_counts(real.column("kind"))):
        chosen = pc.equal(real.column("kind").cast(pa.string()), kind)
        of_kind = real.filter(chosen)
        counts = tally.kind(kind)
        if not still_there:
            counts.replaced += of_kind.num_rows
            continue
        counts.findings += of_kind.num_rows
        counts.documents += pc.count_distinct(of_kind.column("row")).as_py()
        counts.tiers.update(_value_counts(of_kind.column("tier").cast(pa.string())))
        counts.countries.update(_value_counts(of_kind.column("country")))
        if len(counts.places) < PLACES_SHOWN_MAX:
            fresh = pc.unique(sources.filter(chosen)).to_pylist()
            counts.places.extend(fresh[: PLACES_SHOWN_MAX - len(counts.places)])
