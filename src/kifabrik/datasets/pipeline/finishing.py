"""The last steps of a check: parts are joined, shards written, everything counted, the folder put into its place.

Knows the order of these steps, and how counts become a card.
"""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from kifabrik import __version__
from kifabrik.core.digests import digest_listing
from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import explain_disk_errors
from kifabrik.datasets import formats, split, verdicts
from kifabrik.datasets.decontamination import NGRAM_WORDS
from kifabrik.datasets.finding_rows import RowWriter
from kifabrik.datasets.folder import CARD_NAME, FINDINGS_NAME
from kifabrik.datasets.opt_outs import OptOuts, read_opt_outs
from kifabrik.datasets.pipeline import against, workplace
from kifabrik.datasets.pipeline.counting import count
from kifabrik.datasets.pipeline.joining import Decision, Parts, collect, decide
from kifabrik.datasets.pipeline.placement import Placement, place_rows
from kifabrik.datasets.pipeline.plan import Task
from kifabrik.datasets.pipeline.progress import Progress
from kifabrik.datasets.pipeline.twins import DoAll
from kifabrik.datasets.quality import SIGNALS
from kifabrik.datasets.settings import PlanRecord
from kifabrik.datasets.tally import Tally
from kifabrik.records.dataset_card import (
    ConversationCount,
    DatasetCard,
    DecontaminationRecord,
    DeduplicationRecord,
    FindingsFile,
    QualitySignal,
    RedactionRecord,
)

NOTHING = "dataset.nothing"


def finish(
    place: Path,
    plan: PlanRecord,
    tasks: Sequence[Task],
    *,
    out: Path,
    now: datetime,
    do: DoAll,
    progress: Progress,
    workers: int,
) -> DatasetCard:
    """Make the dataset folder of finished parts; raises InvalidInput for a missing part or nothing to keep."""
    parts = collect(place, plan, tasks)
    if not parts.rows:
        raise _refuse_nothing(parts, plan)
    others = against.jobs(plan)
    do(others, progress.stage(0.88, 0.90, sum(job.size for job in others)))
    decision = decide(parts, plan, do, workers=workers)
    if not decision.is_kept.any():
        raise _refuse_nothing(parts, plan)
    progress.note(0.92)
    placement = _place(parts, decision, plan)
    folder = place / "folder"
    with explain_disk_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    with explain_disk_errors(folder), ThreadPoolExecutor(1) as beside:  # count while the shards are written
        counting = beside.submit(_count, folder, parts, decision, plan)
        do(placement.jobs, progress.stage(0.92, 0.99, sum(job.size for job in placement.jobs)))
        tally, rows = counting.result()
        _link_shards(placement, folder)
        card = _make_card(plan, parts, decision, placement, tally, rows, now)
        card.write(folder / CARD_NAME)
    workplace.publish(folder, out, place=place)
    progress.note(1.0, f"{tally.documents_read} documents")
    return card


def _place(parts: Parts, decision: Decision, plan: PlanRecord) -> Placement:
    return place_rows(
        parts.place,
        splits=decision.splits,
        weights=decision.weights,
        starts=parts.starts,
        ids=decision.ids[decision.is_kept].tobytes(),
        limits=plan.settings.limits,
    )


def _count(folder: Path, parts: Parts, decision: Decision, plan: PlanRecord) -> tuple[Tally, FindingsFile]:
    writer = RowWriter.open(folder / FINDINGS_NAME)
    try:
        still_there = plan.settings.action in {"report", "drop"}
        tally = count(parts, decision, skipped=plan.skipped, still_there=still_there, rows=writer)
        return tally, writer.close()
    finally:
        writer.stream.close()


def _link_shards(placement: Placement, folder: Path) -> None:
    """Show the shards in the folder without moving them: a check that is killed now finds them again."""
    for shard in placement.read_shards():
        try:
            os.link(placement.folder / shard.path, folder / shard.path)
        except OSError:  # no links on this file system
            shutil.copyfile(placement.folder / shard.path, folder / shard.path)


def _make_card(
    plan: PlanRecord,
    parts: Parts,
    decision: Decision,
    placement: Placement,
    tally: Tally,
    rows: FindingsFile,
    now: datetime,
) -> DatasetCard:
    settings, shards = plan.settings, placement.read_shards()
    opt_outs = read_opt_outs(Path(settings.opt_outs)) if settings.opt_outs else OptOuts()
    findings, not_checked = verdicts.judge(tally, plan=plan, opt_outs=opt_outs)
    return DatasetCard(
        name=plan.name,
        dataset_digest=digest_listing({shard.path: shard.digest for shard in shards}),
        made_at=now.astimezone(UTC).isoformat(),
        tool=f"kifabrik {__version__}",
        origin=plan.origin,
        files_read=tally.files_read,
        files_skipped=tally.files_skipped,
        skipped=tuple(tally.skipped),
        documents_read=tally.documents_read,
        documents_kept=tally.documents_kept,
        exact_duplicates_removed=tally.duplicates,
        text_bytes=tally.text_bytes,
        train_documents=tally.splits["train"],
        held_out_documents=tally.splits["held-out"],
        split_rule=split.describe(plan.held_out_share, plan.seed),
        languages=dict(sorted(tally.languages.items())),
        formats=dict(sorted(tally.formats.items())),
        licences_detected=dict(sorted(tally.licences.items())),
        licences_declared=dict(sorted(tally.licences_declared.items())),
        personal_data=tally.personal_data(),
        findings=findings,
        not_checked=not_checked,
        rules=settings.rules,
        names_method=_describe_names(parts, plan),
        redaction=RedactionRecord(
            action=settings.action,
            replaced=_sum_replaced(parts),
            dropped_documents=tally.dropped_documents,
            key_id="" if Path(settings.key_file).is_relative_to(parts.place.absolute()) else settings.key_id,
        ),
        deduplication=_describe_near(decision, plan),
        decontamination=_describe_touched(decision, plan),
        quality=_describe_quality(tally),
        lengths=tally.length_table(),
        domains=tally.rights.domains(),
        domains_count=tally.rights.domains_count,
        opt_outs=opt_outs.evidence,
        rights=tally.rights.record(opt_outs),
        findings_file=rows,
        conversations=tuple(
            ConversationCount(form=form, rows=count, converted=form != "messages")
            for form, count in sorted(tally.forms.items())
        ),
        shards=shards,
    )


def _sum_replaced(parts: Parts) -> dict[str, int]:
    kinds = sorted({kind for each in parts.manifests for kind in each.replaced})
    return {kind: sum(each.replaced.get(kind, 0) for each in parts.manifests) for kind in kinds}


def _describe_names(parts: Parts, plan: PlanRecord) -> str:
    cut = sum(each.texts_cut_for_names for each in parts.manifests)
    return plan.settings.names_method + (f"; {cut} texts read only in part" if cut else "")


def _describe_near(decision: Decision, plan: PlanRecord) -> DeduplicationRecord | None:
    near = plan.settings.near_duplicates
    if decision.clusters is None:
        return None
    numbers = near.parameters
    method = (
        numbers.method if near.action == "remove" else f"{numbers.method}; none removed, clusters kept in one split"
    )
    return DeduplicationRecord(
        method=method,
        shingle_words=numbers.shingle_words,
        permutations=numbers.permutations,
        bands=numbers.bands,
        rows=numbers.rows,
        threshold=numbers.threshold,
        candidate_pairs=decision.clusters.candidate_pairs,
        verified_pairs=decision.clusters.verified_pairs,
        clusters=decision.clusters.clusters,
        removed_documents=decision.near_removed,
        removed_bytes=decision.removed_bytes,
        other_datasets=decision.elsewhere,
        removed_for_others=decision.elsewhere_removed,
    )


def _describe_touched(decision: Decision, plan: PlanRecord) -> DecontaminationRecord | None:
    sets = plan.settings.evaluation_sets
    if not sets:
        return None
    touched = {label: decision.touched.get(label, 0) for label in sets}
    return DecontaminationRecord(
        ngram_words=NGRAM_WORDS, evaluation_sets=touched, removed_documents=sum(touched.values())
    )


def _describe_quality(tally: Tally) -> tuple[QualitySignal, ...]:
    return tuple(
        QualitySignal(
            code=signal.code,
            title=f"{signal.title}: {signal.threshold}",
            source=signal.source,
            doubted_documents=tally.doubts[signal.code],
        )
        for signal in SIGNALS
    )


def _refuse_nothing(parts: Parts, plan: PlanRecord) -> InvalidInput:
    skipped = [*plan.skipped, *(file for each in parts.manifests for file in each.skipped)]
    message = "no text was found: there is no file."
    remedy = "Give files that hold text. " + formats.READABLE
    if parts.rows or any(each.dropped_documents for each in parts.manifests):
        message = "no text is left: every document was taken out."
        remedy = "Leave out what took them out: --action drop, --drop-reserved, --drop-elsewhere, --evaluation-texts."
    elif any(each.empty_documents for each in parts.manifests):
        message = "no text was found: every text is empty."
    elif skipped:
        first = min(skipped, key=lambda file: file.path)
        message = f"no text was found; the first of {len(skipped)} files is {first.path}: {first.reason}."
    return InvalidInput(message, where=plan.where, remedy=remedy, code=NOTHING)
