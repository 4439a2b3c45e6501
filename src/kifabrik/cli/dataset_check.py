"""`kifabrik dataset check`: files and folders become a dataset folder with a card."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli.dataset_options import (
    Machines,
    Near,
    NearDuplicates,
    Origin,
    Persons,
    Reading,
    Rights,
    Split,
    key_file,
)
from kifabrik.cli.dataset_parts import submit
from kifabrik.cli.gathered import gather
from kifabrik.cli.terminal import explain_errors, print_findings, print_json, progress_bar, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, Severity, has_blocking
from kifabrik.core.imports import collecting_nothing
from kifabrik.core.quantities import format_bytes, format_count

if TYPE_CHECKING:
    from kifabrik.datasets.check import Choices, Wish
    from kifabrik.records import DatasetCard
    from kifabrik.records.dataset_card import DeclaredOrigin

_LANGUAGES_SHOWN = 8
_SKIPPED_SHOWN = 10
_GAPS = "dataset.not-checked.national-ids."


@gather
def check(
    origin: Origin,
    split: Split,
    persons: Persons,
    near: Near,
    rights: Rights,
    reading: Reading,
    machines: Machines,
    paths: Annotated[list[Path] | None, typer.Argument(help="files and folders to check")] = None,
    out: Annotated[Path | None, typer.Option(help="dataset folder to make; NAME-dataset by default")] = None,
    name: Annotated[str, typer.Option(help="name of the dataset; that of the first path by default")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the card as one JSON document")] = False,
) -> None:
    """Check files into a dataset folder with a card: personal data, duplicates, language, quality, rights, split.

    Started again with the same words after a kill or Ctrl-C, it goes on where it was.
    """
    with explain_errors():
        from kifabrik.datasets.pipeline.workers import stand_by

        if machines.slurm is None:
            stand_by(paths or [], machines.workers)
        with collecting_nothing():  # pydantic, pyarrow and the detectors take their time
            from kifabrik.datasets.check import Wish
            from kifabrik.datasets.documents import STANDARD_LIMITS

        task = _choose(paths or [], name=name, reading=reading)
        wish = Wish(
            paths=task.paths,
            out=out or Path(f"{task.name}-dataset"),
            name=task.name,
            origin=task.origin or _declare(origin, task),
            limits=replace(STANDARD_LIMITS, parse_seconds_max=reading.parse_seconds),
            held_out_share=split.held_out_share,
            seed=split.seed,
            choices=_settle(persons, near, rights, reading, machines),
        )
        if machines.slurm is not None:
            submit(wish, profile_file=machines.slurm, account=machines.slurm_account, jobs_at_once=machines.slurm_jobs)
            return
        card = _run(wish, findings=persons.findings, quiet=as_json)
        _show(card, wish.out)
        if as_json:
            print_json(card.model_dump(mode="json"))
        if has_blocking(card.findings):
            raise typer.Exit(InvalidInput.exit_code)


def _declare(origin: Origin, task: "_Task") -> "DeclaredOrigin":
    from kifabrik.records.dataset_card import DeclaredOrigin  # as in check

    _require_days(origin)
    said = asdict(origin)
    said["title"] = origin.title or task.name
    said["source"] = origin.source or ", ".join(path.name for path in task.paths[:3])
    return DeclaredOrigin(**said)


def _require_days(origin: Origin) -> None:
    """Refuse a day that is none, before any work: the card and its exports would carry it on."""
    for name in ("collected_from", "collected_to", "retention_until"):
        value = getattr(origin, name)
        try:
            is_day = not value or date.fromisoformat(value).isoformat() == value
        except ValueError:
            is_day = False
        if not is_day:
            raise InvalidInput(
                "is no day.", where=f"--{name.replace('_', '-')} {value[:40]}", remedy="Write it as 2026-11-24."
            )
    if "" not in (origin.collected_from, origin.collected_to) and origin.collected_from > origin.collected_to:
        raise InvalidInput("the collection ends before it begins.", where=f"--collected-to {origin.collected_to}")


def _require_opt_outs(rights: Rights) -> None:
    """Refuse to leave out what is reserved where nothing says what is, before any work."""
    if rights.drop_reserved and rights.opt_outs is None:
        raise InvalidInput(
            "without the opt-out files of the hosts nobody knows what is reserved.",
            where="--drop-reserved",
            remedy="Name the folder that holds them with --opt-outs.",
        )


def _settle(persons: Persons, near: Near, rights: Rights, reading: Reading, machines: Machines) -> "Choices":
    _require_opt_outs(rights)
    from kifabrik.datasets.check import Choices  # as in check
    from kifabrik.datasets.deduplication import Parameters
    from kifabrik.datasets.settings import NearDuplicateChoice

    numbers = Parameters(
        shingle_words=near.near_words,
        permutations=max(128, near.near_bands * near.near_rows),
        bands=near.near_bands,
        rows=near.near_rows,
        threshold=near.near_threshold,
    )
    wanted = near.near_duplicates
    return Choices(
        action=persons.action.value,
        key_file=persons.key or key_file(),
        names=persons.names,
        near_duplicates=NearDuplicateChoice(
            action="remove" if wanted is NearDuplicates.ON else wanted.value, parameters=numbers
        ),
        evaluation_texts=tuple(near.evaluation_texts or ()),
        against=tuple(near.against or ()),
        drops_elsewhere=near.drop_elsewhere,
        opt_outs=rights.opt_outs,
        drops_reserved=rights.drop_reserved,
        stops_at_broken=reading.stop_at_broken,
        workers=machines.workers,
    )


@dataclass(frozen=True, slots=True)
class _Task:
    paths: Sequence[Path]
    name: str
    origin: "DeclaredOrigin | None" = None


def _choose(paths: Sequence[Path], *, name: str, reading: Reading) -> _Task:
    if name and not re.fullmatch(r"[a-z0-9_-]{1,64}", name):
        raise InvalidInput(
            "is no dataset name.",
            where=name[:80],
            remedy="Use up to 64 small letters, digits, hyphens and underscores.",
        )
    if reading.library_share != 1.0 and not reading.standard_library:
        raise InvalidInput(
            "is only for --standard-library.",
            where=f"--library-share {reading.library_share:g}",
            remedy="Leave it out to check whole files and folders.",
        )
    if reading.standard_library == bool(paths):
        raise InvalidInput("name the files and folders to check, or --standard-library, not both and not neither.")
    if reading.standard_library:
        from kifabrik.datasets.standard_library import describe_origin, find_sources  # as in check

        return _Task(find_sources(share=reading.library_share), name or "standard-library", describe_origin())
    slug = re.sub(r"[^a-z0-9]+", "-", paths[0].resolve().name.split(".")[0].lower()).strip("-")
    return _Task(paths, name or slug[:64].rstrip("-") or "texts")


def _run(wish: "Wish", *, findings: Path | None, quiet: bool) -> "DatasetCard":
    from kifabrik.datasets.check import check_dataset, describe_kept  # as in check
    from kifabrik.datasets.pipeline.worker import leave_pandas_out
    from kifabrik.datasets.pipeline.workplace import place_beside

    leave_pandas_out()
    try:
        with progress_bar(visible=not quiet) as bar:
            row = bar.add_task("Checking", total=1.0)
            return check_dataset(
                wish.paths,
                out=wish.out,
                name=wish.name,
                origin=wish.origin,
                now=datetime.now(UTC),
                progress=lambda note: bar.update(row, completed=note.done),
                limits=wish.limits,
                held_out_share=wish.held_out_share,
                seed=wish.seed,
                findings_out=findings,
                choices=wish.choices,
            )
    except KeyboardInterrupt:
        kept = describe_kept(place_beside(wish.out))
        if kept is not None:
            say(kept)
        raise


def _show(card: "DatasetCard", folder: Path) -> None:
    from kifabrik.datasets.folder import CARD_NAME  # as in check

    ordered = sorted(card.languages.items(), key=lambda row: -row[1])
    more = f" and {len(ordered) - _LANGUAGES_SHOWN} more" if len(ordered) > _LANGUAGES_SHOWN else ""
    languages = ", ".join(f"{language} {count}" for language, count in ordered[:_LANGUAGES_SHOWN]) + more
    near, elsewhere = card.deduplication, ""
    twins = near.removed_documents if near is not None else 0
    if near is not None and near.removed_for_others:
        elsewhere = f", {near.removed_for_others} left out because another dataset holds them"
    documents = format_count(card.documents_kept, "document", "documents")
    say(f"{card.origin.title}: {documents}, {format_bytes(card.text_bytes)} of text ({languages}).")
    say(
        f"{format_count(card.files_read, 'file', 'files')} read, {card.files_skipped} skipped; "
        f"{format_count(card.exact_duplicates_removed, 'exact duplicate', 'exact duplicates')} and "
        f"{format_count(twins, 'near-duplicate', 'near-duplicates')} removed{elsewhere}; "
        f"{format_count(card.train_documents, 'document', 'documents')} to train on, "
        f"{card.held_out_documents} held out."
    )
    print_findings(_gather_gaps(card.findings))
    _list_skipped(card)
    say(f"The dataset lies in {folder}, its card in {folder / CARD_NAME}.")
    serious = sum(finding.severity is Severity.SERIOUS for finding in card.findings)
    if serious:
        findings = format_count(serious, "serious finding", "serious findings")
        say(f"Before training, a named person must accept {findings}, or you mend the texts.")


def _list_skipped(card: "DatasetCard") -> None:
    """Name some of the files and records that were not read, those that somebody hid on purpose last."""
    if not card.skipped:
        return
    say("Not read:")
    ordered = sorted(card.skipped, key=lambda file: file.reason == "hidden")
    for file in ordered[:_SKIPPED_SHOWN]:
        say(f"  {file.path}: {file.reason}", style="dim")
    more = card.files_skipped - len(ordered[:_SKIPPED_SHOWN])
    if more > 0:
        listed = len(ordered) - _SKIPPED_SHOWN
        which = "which the card lists" if listed == more else f"of which the card lists {listed}"
        say(f"  and {more} more, {which}", style="dim")


def _gather_gaps(findings: Sequence[Finding]) -> list[Finding]:
    """Put what no rule covers country by country into one line; the card keeps a line for each country."""
    gaps = [finding for finding in findings if finding.code.startswith(_GAPS)]
    if not gaps:
        return [*findings]
    countries = ", ".join(finding.code.removeprefix(_GAPS) for finding in gaps)
    together = Finding(
        code=_GAPS.rstrip("."),
        severity=Severity.NOT_CHECKED,
        message=f"Not checked: some national identifiers of {countries}; the card says which.",
    )
    return [*(finding for finding in findings if finding not in gaps), together]
