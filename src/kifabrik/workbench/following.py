"""The part of every process but the first, where several train one model together: it joins in the shared steps.

It writes nothing: journal, events, checkpoints and the lease of the run folder are the leader's. Knows no order of
steps; the leader calls them.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

from kifabrik.core.errors import Unavailable
from kifabrik.datasets import folder as dataset_folder
from kifabrik.records.recipe import Recipe
from kifabrik.training import hardware, team
from kifabrik.training.stopping import Stopped, never
from kifabrik.workbench import stop_signal
from kifabrik.workbench.events import Clock, EventLog
from kifabrik.workbench.run_folder import RunFolder
from kifabrik.workbench.step import Walk
from kifabrik.workbench.walk import DISMISSED, STOPPED, plan


def follow(recipe: Recipe, *, folder: Path, dataset: Path, run_id: str, now: Clock) -> None:
    """Do what the leader calls until it dismisses its followers.

    Raises Stopped when the leader was asked to stop, Unavailable when it is gone, and the error of a shared step, which
    the leader meets too.
    """
    chosen = hardware.prepare(recipe.hardware)
    # The leader decides about stopping; here the signals must only not end the process before it has saved.
    with (
        tempfile.TemporaryDirectory() as nowhere,
        stop_signal.listen(),
        team.join(device=chosen.device) as crew,
    ):
        walk = Walk(
            recipe=recipe,
            run_id=run_id,
            folder=RunFolder(folder),
            dataset=dataset,
            card=dataset_folder.read_card(dataset),
            hardware=chosen,
            log=EventLog(Path(nowhere) / "events.jsonl", now=now),
            should_stop=never,
            now=now,
            team=crew,
        )
        try:
            _obey(walk)
        except RuntimeError as error:  # what torch raises when the other end of a connection is gone
            raise Unavailable(
                f"process {crew.rank} lost the first process, whose message says why.", where=str(folder)
            ) from error


def _obey(walk: Walk) -> None:
    steps = {step.name: step for step in plan(walk.recipe)}
    while (word := walk.team.hear()) != DISMISSED:
        if word == STOPPED:
            raise Stopped("the run was asked to stop.", remedy="Start the run again to go on.")
        with suppress(Stopped):  # the leader has saved, and says so next
            steps[word].run(walk)
