"""`kifabrik dataset check`: files and folders become a dataset folder with a card."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli.dataset_parts import submit
from kifabrik.cli.terminal import explain_errors, print_findings, print_json, progress_bar, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Severity, has_blocking
from kifabrik.core.quantities import format_bytes

if TYPE_CHECKING:
    from kifabrik.datasets.check import Wish
    from kifabrik.records import DatasetCard
    from kifabrik.records.dataset_card import DeclaredOrigin

_LANGUAGES_SHOWN = 8


class SourceKind(StrEnum):
    """Kinds of source as the summary of training content asks for them."""

    PUBLIC = "public"
    LICENSED = "licensed"
    CRAWLED = "crawled"
    USER = "user"
    SYNTHETIC = "synthetic"
    OWN = "own"
    OTHER = "other"


class PersonalDataRole(StrEnum):
    """Who answers for personal data in the texts."""

    NONE = "none"
    CONTROLLER = "controller"
    PROCESSOR = "processor"
    UNKNOWN = "unknown"


class SpecialCategories(StrEnum):
    """Whether the texts hold data of Article 9 GDPR."""

    NONE = "none"
    PRESENT = "present"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What happens to personal identifiers that are found."""

    REPORT = "report"
    PLACEHOLDER = "placeholder"
    MASK = "mask"
    PSEUDONYM = "pseudonym"
    DROP = "drop"


class NearDuplicates(StrEnum):
    """What happens to near-duplicates."""

    ON = "on"
    REPORT = "report"
    OFF = "off"


def key_file() -> Path:
    """Say where the key of digests and pseudonyms of this user lies; it is made once."""
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    return Path(os.environ.get("KIFABRIK_DATA_KEY_FILE", base / "kifabrik" / "data.key"))


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="files and folders to check")] = None,
    out: Annotated[Path | None, typer.Option(help="dataset folder to make; NAME-dataset by default")] = None,
    name: Annotated[str, typer.Option(help="name of the dataset; that of the first path by default")] = "",
    title: Annotated[str, typer.Option(help="title for people")] = "",
    licence: Annotated[str, typer.Option(help="licence of the texts as an SPDX identifier")] = "unknown",
    source: Annotated[str, typer.Option(help="where the texts come from, in words or as an address")] = "",
    source_kind: Annotated[SourceKind, typer.Option(help="kind of source")] = SourceKind.OTHER,
    creator: Annotated[str, typer.Option(help="who made the collection")] = "",
    url: Annotated[str, typer.Option(help="where the collection can be had")] = "",
    collected_from: Annotated[str, typer.Option(help="first day of the collection, as 2026-11-24")] = "",
    collected_to: Annotated[str, typer.Option(help="last day of the collection, as 2026-11-24")] = "",
    personal_data_role: Annotated[
        PersonalDataRole, typer.Option(help="your role for personal data in the texts")
    ] = PersonalDataRole.UNKNOWN,
    legal_basis: Annotated[str, typer.Option(help="legal basis for personal data in the texts")] = "",
    purpose: Annotated[str, typer.Option(help="what personal data in the texts are processed for")] = "",
    retention_until: Annotated[str, typer.Option(help="day on which the copies are deleted, as 2026-11-24")] = "",
    special_categories: Annotated[
        SpecialCategories, typer.Option(help="whether there are data of Article 9 GDPR")
    ] = SpecialCategories.UNKNOWN,
    held_out_share: Annotated[float, typer.Option(help="share of the documents kept for tests")] = 0.05,
    seed: Annotated[int, typer.Option(help="seed of the split")] = 17,
    action: Annotated[Action, typer.Option(help="what to do with personal identifiers")] = Action.REPORT,
    key: Annotated[
        Path | None, typer.Option(help="key of digests and pseudonyms; made once; that of this user by default")
    ] = None,
    names: Annotated[
        str, typer.Option(help="look for names of persons: none, cues, or the folder of a model")
    ] = "none",
    near_duplicates: Annotated[
        NearDuplicates, typer.Option(help="take near-duplicates out, only report them, or do not look")
    ] = NearDuplicates.ON,
    near_threshold: Annotated[float, typer.Option(help="Jaccard similarity of near-duplicates")] = 0.7,
    near_words: Annotated[int, typer.Option(help="words of a shingle")] = 5,
    near_bands: Annotated[int, typer.Option(help="bands of the signatures")] = 32,
    near_rows: Annotated[int, typer.Option(help="rows of a band")] = 4,
    evaluation_texts: Annotated[
        list[Path] | None, typer.Option(help="texts for tests of models; documents that share them are left out")
    ] = None,
    opt_outs: Annotated[
        Path | None, typer.Option(help="folder with robots.txt, tdmrep.json and ai.txt files, a folder for each host")
    ] = None,
    drop_reserved: Annotated[bool, typer.Option(help="leave out documents whose host reserves data mining")] = False,
    stop_at_broken: Annotated[
        bool, typer.Option(help="stop at the first broken record instead of counting it")
    ] = False,
    findings: Annotated[
        Path | None, typer.Option(help="copy of the JSON Lines with the place of every finding")
    ] = None,
    slurm: Annotated[
        Path | None,
        typer.Option(help="site profile of a Slurm cluster that does it; files on shared storage"),
    ] = None,
    slurm_account: Annotated[str, typer.Option(help="account of the cluster that pays")] = "",
    slurm_jobs: Annotated[int, typer.Option(min=0, help="jobs at once; 0: as many as fit")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="processes; all cores by default")] = None,
    standard_library: Annotated[bool, typer.Option(help="take this Python's own standard library")] = False,
    library_share: Annotated[float, typer.Option(help="share of the standard library's files to take")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="print the card as one JSON document")] = False,
) -> None:
    """Check files into a dataset folder with a card: personal data, duplicates, language, quality, rights, split.

    Started again with the same words after a kill or Ctrl-C, it goes on where it was.
    """
    with explain_errors():
        from kifabrik.datasets.check import Choices, Wish  # pydantic, pyarrow and the detectors take their time
        from kifabrik.datasets.deduplication import Parameters
        from kifabrik.datasets.settings import NearDuplicateChoice
        from kifabrik.records.dataset_card import DeclaredOrigin

        task = _choose(paths or [], name=name, standard_library=standard_library, library_share=library_share)
        origin = task.origin or DeclaredOrigin(
            title=title or task.name,
            licence=licence,
            source=source or ", ".join(path.name for path in task.paths[:3]),
            source_kind=source_kind.value,
            creator=creator,
            url=url,
            collected_from=collected_from,
            collected_to=collected_to,
            personal_data_role=personal_data_role.value,
            legal_basis=legal_basis,
            purpose=purpose,
            retention_until=retention_until,
            special_categories=special_categories.value,
        )
        numbers = Parameters(
            shingle_words=near_words,
            permutations=max(128, near_bands * near_rows),
            bands=near_bands,
            rows=near_rows,
            threshold=near_threshold,
        )
        choices = Choices(
            action=action.value,
            key_file=key or key_file(),
            names=names,
            near_duplicates=NearDuplicateChoice(
                action="remove" if near_duplicates is NearDuplicates.ON else near_duplicates.value, parameters=numbers
            ),
            evaluation_texts=tuple(evaluation_texts or ()),
            opt_outs=opt_outs,
            drops_reserved=drop_reserved,
            stops_at_broken=stop_at_broken,
            workers=workers,
        )
        folder = out or Path(f"{task.name}-dataset")
        wish = Wish(
            paths=task.paths,
            out=folder,
            name=task.name,
            origin=origin,
            held_out_share=held_out_share,
            seed=seed,
            choices=choices,
        )
        if slurm is not None:
            submit(wish, profile_file=slurm, account=slurm_account, jobs_at_once=slurm_jobs)
            return
        card = _run(wish, findings=findings, quiet=as_json)
        _show(card, folder)
        if as_json:
            print_json(card.model_dump(mode="json"))
        if has_blocking(card.findings):
            raise typer.Exit(InvalidInput.exit_code)


@dataclass(frozen=True, slots=True)
class _Task:
    paths: Sequence[Path]
    name: str
    origin: "DeclaredOrigin | None" = None


def _choose(paths: Sequence[Path], *, name: str, standard_library: bool, library_share: float) -> _Task:
    if name and not re.fullmatch(r"[a-z0-9_-]{1,64}", name):
        raise InvalidInput(
            "is no dataset name.",
            where=name[:80],
            remedy="Use up to 64 small letters, digits, hyphens and underscores.",
        )
    if standard_library == bool(paths):
        raise InvalidInput("name the files and folders to check, or --standard-library, not both and not neither.")
    if standard_library:
        from kifabrik.datasets.standard_library import describe_origin, find_sources  # as in check

        return _Task(find_sources(share=library_share), name or "standard-library", describe_origin())
    slug = re.sub(r"[^a-z0-9]+", "-", paths[0].resolve().name.split(".")[0].lower()).strip("-")
    return _Task(paths, name or slug[:64].rstrip("-") or "texts")


def _run(wish: "Wish", *, findings: Path | None, quiet: bool) -> "DatasetCard":
    from kifabrik.datasets.check import check_dataset, describe_kept  # as in check
    from kifabrik.datasets.pipeline.workplace import place_beside

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
    ordered = sorted(card.languages.items(), key=lambda row: -row[1])
    more = f" and {len(ordered) - _LANGUAGES_SHOWN} more" if len(ordered) > _LANGUAGES_SHOWN else ""
    languages = ", ".join(f"{language} {count}" for language, count in ordered[:_LANGUAGES_SHOWN]) + more
    near = card.deduplication.removed_documents if card.deduplication is not None else 0
    say(f"{card.origin.title}: {card.documents_kept} documents, {format_bytes(card.text_bytes)} of text ({languages}).")
    say(
        f"{card.files_read} files read, {card.files_skipped} skipped; {card.exact_duplicates_removed} exact duplicates "
        f"and {near} near-duplicates removed; {card.train_documents} documents to train on, "
        f"{card.held_out_documents} held out."
    )
    print_findings(card.findings)
    say(f"The dataset lies in {folder}.")
    serious = sum(finding.severity is Severity.SERIOUS for finding in card.findings)
    if serious:
        say(f"Before training, a named person must accept {serious} serious finding(s), or you mend the texts.")
