"""`kifabrik dataset export`: write a dataset card as Croissant, as a card for the Hub, or as the EU public summary."""

from pathlib import Path
from typing import Annotated

import typer

from kifabrik.cli.terminal import explain_errors, print_findings, say
from kifabrik.core.errors import Conflict
from kifabrik.core.files import write_text
from kifabrik.core.quantities import format_count
from kifabrik.passport.export_format import ExportFormat


def export(
    folder: Annotated[Path, typer.Argument(help="dataset folder that 'dataset check' made")],
    form: Annotated[ExportFormat, typer.Option("--format", help="what to write")],
    out: Annotated[
        Path | None, typer.Option(help="file to write; beside the card by default, - for the screen")
    ] = None,
    provider: Annotated[str, typer.Option(help="who publishes it, as the paper should name them")] = "",
    model: Annotated[str, typer.Option(help="versioned name of the model, for the public summary")] = "",
    sme: Annotated[
        bool | None, typer.Option("--sme/--no-sme", help="whether the provider is a small or medium-sized enterprise")
    ] = None,
) -> None:
    """Write the card of a dataset for others; what it cannot say is written as such and listed."""
    with explain_errors():
        from kifabrik.datasets.folder import read_card  # pyarrow takes its time
        from kifabrik.passport import dataset_exports

        card = read_card(folder)
        matter = dataset_exports.ExportMatter(card=card, publisher=provider, model=model, is_sme=sme)
        paper = dataset_exports.export(matter, form)
        if out is not None and str(out) == "-":
            typer.echo(paper.text, nl=False)
            return
        target = out or folder / paper.file_name
        if target.exists():
            raise Conflict("exists already.", where=str(target), remedy="Choose another file with --out, or remove it.")
        write_text(target, paper.text)
        print_findings(paper.gaps)
        say(f"Written: {target}.")
        if paper.gaps:
            things = format_count(len(paper.gaps), "thing is not stated", "things are not stated")
            say(f"{things}; declare what is missing at the check, then export again.")
