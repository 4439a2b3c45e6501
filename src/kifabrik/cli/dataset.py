"""`kifabrik dataset`: check files into a dataset folder, and register the folder at a portal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli import dataset_export
from kifabrik.cli.login import connect
from kifabrik.cli.terminal import explain_errors, print_findings, print_json, progress_bar, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, Severity, has_blocking
from kifabrik.core.quantities import format_bytes

if TYPE_CHECKING:
    from kifabrik.records import DatasetCard
    from kifabrik.records.dataset_card import DeclaredOrigin
    from kifabrik.site.client import PortalClient

app = typer.Typer(no_args_is_help=True, help="Check data and register them at a portal.")
app.command()(dataset_export.export)


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


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="files and folders of .txt .md .py .jsonl .parquet")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="dataset folder to make; NAME-dataset by default")] = None,
    name: Annotated[str, typer.Option(help="name of the dataset; that of the first path by default")] = "",
    title: Annotated[str, typer.Option(help="title for people")] = "",
    licence: Annotated[str, typer.Option(help="licence of the texts as an SPDX identifier")] = "unknown",
    source: Annotated[str, typer.Option(help="where the texts come from, in words or as an address")] = "",
    source_kind: Annotated[SourceKind, typer.Option(help="kind of source")] = SourceKind.OTHER,
    personal_data_role: Annotated[
        PersonalDataRole, typer.Option(help="your role for personal data in the texts")
    ] = PersonalDataRole.UNKNOWN,
    legal_basis: Annotated[str, typer.Option(help="legal basis for personal data in the texts")] = "",
    held_out_share: Annotated[float, typer.Option(help="share of the documents kept for tests")] = 0.05,
    seed: Annotated[int, typer.Option(help="seed of the split")] = 17,
    findings: Annotated[Path | None, typer.Option(help="JSON Lines file for the place of every finding")] = None,
    standard_library: Annotated[bool, typer.Option(help="take this Python's own standard library")] = False,
    library_share: Annotated[float, typer.Option(help="share of the standard library's files to take")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="print the card as one JSON document")] = False,
) -> None:
    """Check files into a dataset folder with a card: duplicates, language, personal data, licences, split."""
    with explain_errors():
        from kifabrik.records.dataset_card import DeclaredOrigin  # pydantic takes its time

        task = _choose(paths or [], name=name, standard_library=standard_library, library_share=library_share)
        origin = task.origin or DeclaredOrigin(
            title=title or task.name,
            licence=licence,
            source=source or ", ".join(path.name for path in task.paths[:3]),
            source_kind=source_kind.value,
            personal_data_role=personal_data_role.value,
            legal_basis=legal_basis,
        )
        folder = out or Path(f"{task.name}-dataset")
        card = _run(task, origin, folder, held_out_share=held_out_share, seed=seed, findings=findings, quiet=as_json)
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


def _run(
    task: _Task,
    origin: "DeclaredOrigin",
    folder: Path,
    *,
    held_out_share: float,
    seed: int,
    findings: Path | None,
    quiet: bool,
) -> "DatasetCard":
    from kifabrik.datasets.check import check_dataset  # pyarrow and the detectors take their time

    with progress_bar(visible=not quiet) as bar:
        row = bar.add_task("Checking", total=1.0)
        return check_dataset(
            task.paths,
            out=folder,
            name=task.name,
            origin=origin,
            now=datetime.now(UTC),
            progress=lambda note: bar.update(row, completed=note.done),
            held_out_share=held_out_share,
            seed=seed,
            findings_out=findings,
        )


def _show(card: "DatasetCard", folder: Path) -> None:
    languages = ", ".join(f"{language} {count}" for language, count in card.languages.items())
    say(f"{card.origin.title}: {card.documents_kept} documents, {format_bytes(card.text_bytes)} of text ({languages}).")
    say(
        f"{card.files_read} files read, {card.files_skipped} skipped, {card.exact_duplicates_removed} exact duplicates "
        f"removed; {card.train_documents} documents to train on, {card.held_out_documents} held out."
    )
    print_findings(card.findings)
    say(f"The dataset lies in {folder}.")
    serious = sum(finding.severity is Severity.SERIOUS for finding in card.findings)
    if serious:
        say(f"Before training, a named person must accept {serious} serious finding(s), or you mend the texts.")


@app.command()
def register(
    folder: Annotated[Path, typer.Argument(help="dataset folder that 'dataset check' made")],
    organisation: Annotated[str, typer.Option(help="id of the organisation that owns it; yours by default")] = "",
    name: Annotated[str, typer.Option(help="name in the catalogue; that on the card by default")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the registered version as one JSON document")] = False,
) -> None:
    """Bring a checked dataset folder to the portal as the next version of a dataset; repeating it is harmless."""
    with explain_errors():
        from kifabrik.datasets.folder import CARD_NAME, read_card, verify  # as in check

        verify(folder)
        card = read_card(folder)
        files = [CARD_NAME, *(shard.path for shard in card.shards)]
        with connect() as portal:
            owner = organisation or _find_organisation(portal)
            listing = _upload(portal, folder, files, owner=owner, quiet=as_json)
            body = {
                "organisation": owner,
                "name": name or card.name,
                "card": card.model_dump(mode="json"),
                "files": listing,
            }
            version = portal.post("/datasets", body, again=True)
        say(f"{name or card.name} is registered: version {version['number']}, {version['id']}.")
        print_findings(Finding.from_dict(row) for row in version["open_findings"])
        if version["open_findings"]:
            say("Nothing is trained on it before a named person accepts these findings on the dataset's page.")
        if as_json:
            print_json(version)


def _find_organisation(portal: "PortalClient") -> str:
    mine = portal.get("/me")["organisations"]
    if len(mine) != 1:
        names = ", ".join(f"{row['organisation']} ({row['legal_name']})" for row in mine) or "none"
        raise InvalidInput(
            f"it is not clear which organisation owns the dataset; yours are: {names}.",
            remedy="Name one with --organisation ID." if mine else "Ask a manager of one to add you.",
        )
    return str(mine[0]["organisation"])


def _upload(
    portal: "PortalClient", folder: Path, names: Sequence[str], *, owner: str, quiet: bool
) -> list[dict[str, str | int]]:
    sizes = {name: (folder / name).stat().st_size for name in names}
    listing: list[dict[str, str | int]] = []
    with progress_bar(visible=not quiet) as bar:
        row = bar.add_task("Uploading", total=sum(sizes.values()))
        for name in names:
            digest = portal.upload_file(
                folder / name, organisation=owner, progress=lambda count: bar.update(row, advance=count)
            )
            listing.append({"path": name, "digest": digest, "size_bytes": sizes[name]})
    return listing
