"""`kifabrik dataset`: check files into a dataset folder, export its card, and register the folder at a portal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli.dataset_check import check
from kifabrik.cli.dataset_export import export
from kifabrik.cli.dataset_parts import finish, part
from kifabrik.cli.dataset_person import find_person
from kifabrik.cli.login import connect
from kifabrik.cli.terminal import explain_errors, print_findings, print_json, progress_bar, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding

if TYPE_CHECKING:
    from kifabrik.site.client import PortalClient

app = typer.Typer(no_args_is_help=True, help="Check data and register them at a portal.")


app.command()(check)
app.command()(part)
app.command()(finish)
app.command()(export)
app.command()(find_person)


@app.command()
def register(
    folder: Annotated[Path, typer.Argument(help="dataset folder that 'dataset check' made")],
    organisation: Annotated[str, typer.Option(help="id of the organisation that owns it; yours by default")] = "",
    name: Annotated[str, typer.Option(help="name in the catalogue; that on the card by default")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the registered version as one JSON document")] = False,
) -> None:
    """Bring a checked dataset folder to the portal as the next version of a dataset; repeating it is harmless."""
    with explain_errors():
        from kifabrik.datasets.folder import CARD_NAME, FINDINGS_NAME, read_card, verify  # pyarrow takes its time

        verify(folder)
        card = read_card(folder)
        beside = [FINDINGS_NAME] if card.findings_file is not None else []
        files = [CARD_NAME, *beside, *(shard.path for shard in card.shards)]
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
