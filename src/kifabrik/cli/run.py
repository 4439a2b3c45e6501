"""`kifabrik run RECIPE` walks a recipe on this machine; its verbs ask a portal. Knows words and printing only."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from kifabrik.cli.login import connect
from kifabrik.cli.run_display import RunDisplay
from kifabrik.cli.run_together import is_follower, start_together
from kifabrik.cli.terminal import explain_errors, print_findings, print_json, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, Severity
from kifabrik.core.ids import new_id
from kifabrik.core.quantities import format_duration
from kifabrik.funding.training_gate import blocking_findings
from kifabrik.records.recipe_file import read_recipe
from kifabrik.records.run_manifest import RunManifest
from kifabrik.records.run_state import FINAL

if TYPE_CHECKING:
    from kifabrik.records.recipe import Recipe

_HERE = "here"
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")]
RecipePath = Annotated[Path, typer.Argument(help="a recipe, as YAML")]


class RecipeFirst(TyperGroup):
    """A group whose first word may be a recipe instead of a verb: `run recipe.yaml` is `run here recipe.yaml`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the hidden verb before a first word that is no verb."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = [_HERE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=RecipeFirst,
    no_args_is_help=True,
    help="Walk a recipe on this machine (kifabrik run RECIPE), or ask a portal for a run.",
)


@app.command(_HERE, hidden=True)
def here(
    recipe: RecipePath,
    folder: Annotated[Path | None, typer.Option(help="run folder; an unfinished run in it goes on")] = None,
    dataset: Annotated[Path | None, typer.Option(help="dataset folder; instead of the one the recipe names")] = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="name of a run that a portal has decided on, findings included")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="code of serious findings you take responsibility for; may be repeated")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk a recipe on this machine: kifabrik run RECIPE [OPTIONS]."""
    with explain_errors():
        work = read_recipe(recipe)
        name, place = _choose_place(work, folder=folder, run_id=run_id)
        data = dataset or _dataset_of(work)
        if is_follower():
            from kifabrik.workbench.following import follow  # torch takes seconds to import

            follow(work, folder=place, dataset=data, run_id=name, now=lambda: datetime.now(UTC))
            return
        if run_id is None and not (place / "manifest.json").exists():
            _require_accepted(data, codes=accept or [])
        start_together(work, name=name, recipe=recipe, folder=place, dataset=data, as_json=as_json)
        from kifabrik.workbench.walk import run  # as above

        say(f"{name} in {place}")
        with RunDisplay() as display:
            manifest = run(
                work, folder=place, dataset=data, run_id=name, now=lambda: datetime.now(UTC), listen=display.show
            )
        _summarise(manifest, place)
    if as_json:
        print_json(manifest.model_dump(mode="json"))


@app.command()
def estimate(
    recipe: RecipePath,
    system: Annotated[str, typer.Option(help="system to estimate for, as in the reference data")] = "laptop",
    dataset: Annotated[Path | None, typer.Option(help="dataset folder, for the size of its text")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate operations, GPU time and energy of a recipe before anything is spent."""
    with explain_errors():
        from dataclasses import asdict

        from kifabrik.funding.estimate import estimate as estimate_recipe  # reads reference data
        from kifabrik.funding.reference import systems

        known = systems()
        if system not in known:
            names = ", ".join(sorted(known))
            raise InvalidInput(f"there is no system {system!r}.", where="--system", remedy=f"Known: {names}.")
        text_bytes = _text_bytes(dataset) if dataset else None
        figures = estimate_recipe(recipe=read_recipe(recipe), system=known[system], text_bytes=text_bytes)
        say(f"On {system}: about {format_duration(figures.gpu_seconds)} of device time, {figures.watt_hours:.1f} Wh,")
        say(f"{figures.flop:.3g} floating-point operations over {figures.tokens:,} tokens.")
        for assumption in figures.assumptions:
            say(f"  assumed: {assumption}", style="dim")
    if as_json:
        print_json(asdict(figures))


@app.command()
def start(
    recipe: RecipePath,
    allocation: Annotated[str, typer.Option(help="allocation that pays")],
    dataset_version: Annotated[str, typer.Option("--dataset-version", help="dataset version at the portal")],
    as_json: AsJson = False,
) -> None:
    """Ask the portal to run a recipe inside an allocation."""
    with explain_errors():
        body = {
            "recipe": read_recipe(recipe).model_dump(mode="json"),
            "allocation": allocation,
            "dataset_version": dataset_version,
        }
        run = connect().post("/runs", body)
        say(f"Run {run['id']} is {run['state']}. Watch it with 'kifabrik run watch {run['id']}'.")
    if as_json:
        print_json(run)


@app.command()
def watch(
    run_id: Annotated[str, typer.Argument(help="a run at the portal")],
    every: Annotated[float, typer.Option(help="seconds between two looks")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Follow a run at the portal until it ends; Ctrl-C leaves the run alone."""
    with explain_errors():
        from kifabrik.cli.run_watch import follow  # httpx takes its time

        with RunDisplay() as display:
            run = follow(connect(), run_id, show=display.show, every_seconds=every, is_final=_is_final)
        say(f"Run {run_id} is {run['state']}.{' ' + run['reason'] if run.get('reason') else ''}")
    if as_json:
        print_json(run)
    raise typer.Exit(0 if run["state"] == "succeeded" else 1)


@app.command()
def cancel(
    run_id: Annotated[str, typer.Argument(help="a run at the portal")],
    as_json: AsJson = False,
) -> None:
    """Ask the portal to cancel a run; what it used so far is booked."""
    with explain_errors():
        run = connect().post(f"/runs/{run_id}/cancel", {})
        say(f"Run {run_id} is {run['state']}; the site stops it at its next look.")
    if as_json:
        print_json(run)


def _choose_place(work: "Recipe", *, folder: Path | None, run_id: str | None) -> tuple[str, Path]:
    """Name the run and its folder; a folder with an unfinished run gives its name."""
    if folder is not None and run_id is None and (folder / "manifest.json").exists():
        return RunManifest.read(folder / "manifest.json").run_id, folder
    name = run_id or new_id("run")
    home = Path(os.environ.get("KIFABRIK_HOME", "var"))
    return name, folder or home / "runs" / f"{work.name}-{name.removeprefix('run-')}"


def _dataset_of(work: "Recipe") -> Path:
    if work.dataset.startswith("sha256:"):
        raise InvalidInput(
            "the recipe names its dataset by digest; this machine needs the folder.",
            where="dataset",
            remedy="Give it with --dataset FOLDER.",
        )
    return Path(work.dataset)


def _require_accepted(dataset: Path, *, codes: list[str]) -> None:
    """Refuse to train on a dataset with serious findings that nobody took responsibility for."""
    from kifabrik.datasets.folder import read_card  # pyarrow takes its time

    card = read_card(dataset)
    accepted = [(finding.code, finding.where) for finding in card.findings if finding.code in codes]
    findings = blocking_findings(card, accepted=accepted)
    if findings:
        print_findings(findings)
        raise InvalidInput(
            f"findings stop training on this dataset: {', '.join(dict.fromkeys(each.code for each in findings))}.",
            where=str(dataset),
            remedy=_say_what_helps(findings),
            code="findings-not-accepted",
        )


def _say_what_helps(findings: Sequence[Finding]) -> str:
    """Name what is to be mended, or the words with which a person takes responsibility for all of it."""
    fixed = dict.fromkeys(each.code for each in findings if each.severity is Severity.BLOCKING)
    if fixed:
        return f"Mend the data and check it again; nobody can take responsibility for {', '.join(fixed)}."
    words = " ".join(f"--accept {code}" for code in dict.fromkeys(each.code for each in findings))
    return f"Mend the data and check it again, or take responsibility with {words}."


def _text_bytes(dataset: Path) -> int:
    from kifabrik.datasets.folder import read_card  # pyarrow takes its time

    return read_card(dataset).text_bytes


def _summarise(manifest: RunManifest, place: Path) -> None:
    if manifest.compute is None or manifest.energy is None or manifest.model is None:
        return
    compute, energy = manifest.compute, manifest.energy
    say(
        f"Model with {manifest.model.parameters:,} weights in {place / 'model'}: {compute.train_tokens:,} tokens, "
        f"{format_duration(compute.wall_seconds)}, {compute.flop:.3g} FLOP, {energy.watt_hours:.2f} Wh "
        f"({energy.method_class})."
    )


def _is_final(state: str) -> bool:
    return state in FINAL
