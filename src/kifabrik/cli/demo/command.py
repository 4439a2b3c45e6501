"""`kifabrik demo`: starts the portal, walks the chain, shows who can sign in, keeps serving until Ctrl-C."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli import portal
from kifabrik.cli.demo.cast import Cast, bring_in, read_cast, read_password
from kifabrik.cli.demo.slurm import prepare_slurm
from kifabrik.cli.terminal import explain_errors, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.quantities import format_duration

if TYPE_CHECKING:
    from kifabrik.records import Recipe

STEPS = 8
EXPECTED_SECONDS = {1: 12, 2: 3, 3: 3, 4: 14, 5: 175, 6: 6, 7: 4, 8: 12}  # on two cores; only the time left uses it


def demo(
    port: Annotated[int, typer.Option(help="port of the portal; the inference server takes the next one")] = 8000,
    data: Annotated[Path | None, typer.Option(help="folder with your own texts, as 'dataset check' reads them")] = None,
    recipe: Annotated[Path | None, typer.Option(help="train with this recipe instead of the shipped one")] = None,
    site: Annotated[
        str, typer.Option(help="run the jobs here: local, or slurm for the cluster that answers")
    ] = "local",
    once: Annotated[bool, typer.Option(help="end after the walk instead of serving")] = False,
) -> None:
    """Walk the whole chain on this machine, then leave everything running to look at; start it again to go on."""
    with explain_errors():
        if data is not None and not data.exists():
            raise InvalidInput("there is no such file or folder.", where=str(data), remedy="Give DATA=folder.")
        cast = read_cast(site)
        work = _read_recipe(recipe, data)
        portal.require_free_ports("127.0.0.1", port, serving=True)
        home = portal.read_home()
        if site == "slurm":
            work = prepare_slurm(home, work)
        with _heading(1, "Portal, people and an open call"):
            bring_in(cast, home=home)
            keeper = portal.start_all(host="127.0.0.1", port=port, agent=True, serving=True)
        try:
            _walk(cast, home=home, port=port, data=data, recipe=work)
            if not once:
                _show_people(cast, home, port)
                portal.keep_until_stopped(keeper)
        finally:
            portal.end_all(keeper)


def _walk(cast: Cast, *, home: Path, port: int, data: Path | None, recipe: "Recipe") -> None:
    from kifabrik.cli.demo import walk as steps  # httpx and the records take their time

    url = f"http://127.0.0.1:{port}"
    walk = steps.Walk(cast=cast, home=home, url=url, recipe=recipe, data=data)
    steps.wait_for_portal(walk)
    with _heading(2, "Two proposals: one will be awarded, one is refused and told why"):
        proposal = steps.apply(walk, "awarded")
        refused = steps.apply(walk, "refused")
        say(f"   {cast.proposals['refused']['organisation']['legal_name']}: {refused['state']}", style="dim")
    with _heading(3, "Technical check, award, allocation"):
        allocation = steps.open_allocation(walk, steps.decide(walk, proposal))
    with _heading(4, "Texts are checked and registered"):
        version = steps.register_data(walk, steps.check_data(walk))
    with _heading(5, "A model is trained, fine-tuned and evaluated inside the allocation"):
        run = steps.watch_training(walk, steps.start_training(walk, allocation, version)["id"])
    with _heading(6, "Gate, passport, signature, release"):
        release = steps.publish(walk, run)
    with _heading(7, "The release is verified without the portal"):
        folder = steps.verify(walk, release)
    with _heading(8, "The release is served"):
        text = steps.try_serving(release, serving_url=os.environ["KIFABRIK_SERVING_URL"])
        say("   def " + text.replace("\n", "\n   "), style="dim")
    say(f"The chain is whole: {url}/releases/{release['id']}/ ({folder}).", style="bold green")


def _read_recipe(path: Path | None, data: Path | None) -> "Recipe":
    from kifabrik.records.recipe_file import read_recipe  # pydantic takes its time
    from kifabrik.workbench.recipes import find  # see above

    return read_recipe(path or find("small-text-model" if data else "small-code-model"))


@contextmanager
def _heading(number: int, title: str) -> Iterator[None]:
    left = sum(seconds for step, seconds in EXPECTED_SECONDS.items() if step >= number)
    say(f"[{number}/{STEPS}] {title}  (about {format_duration(left)} left)", style="bold")
    begun = time.monotonic()
    yield
    say(f"      done in {format_duration(time.monotonic() - begun)}", style="green")


def _show_people(cast: Cast, home: Path, port: int) -> None:
    password = read_password(home)
    say(f"\nSign in at http://127.0.0.1:{port}/sign-in/ with the password  {password}", style="bold")
    for person in cast.people:
        say(f"   {person.email:<36} {person.name:<16} {person.does}")
    say("Ctrl-C stops everything; `make demo` goes on from here; `make clean-demo` wipes it.\n")
