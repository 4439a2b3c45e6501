"""Starts `kifabrik run` once for each process that a recipe asks for. Knows the starter's words in the environment."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kifabrik.core.errors import InvalidInput

if TYPE_CHECKING:
    from kifabrik.records.recipe import Recipe

_SIZE, _RANK = "WORLD_SIZE", "RANK"  # what torchrun leaves in the environment of each process


def is_follower() -> bool:
    """Say whether this process is one of several, and not the first."""
    return int(os.environ.get(_RANK, "0")) > 0


def start_together(work: "Recipe", *, name: str, recipe: Path, folder: Path, dataset: Path, as_json: bool) -> None:
    """Put the starter in this process's place if the recipe asks for several processes on this machine.

    Returns if they are started already, or if there is only one. Raises InvalidInput if the recipe and the number of
    processes that were started differ, or if it asks for several machines, which a cluster must give.
    """
    wanted = work.hardware.nodes * work.hardware.processes_per_node
    started = int(os.environ.get(_SIZE, "0"))
    if started == wanted or (wanted == 1 and not started):
        return
    if started:
        raise InvalidInput(
            f"the recipe asks for {wanted} processes and {started} were started.",
            where="hardware",
            remedy="Start as many as it asks for, or change nodes and processes_per_node in the recipe.",
        )
    if work.hardware.nodes > 1:
        raise InvalidInput(
            f"the recipe asks for {work.hardware.nodes} machines, and this is one.",
            where="hardware.nodes",
            remedy="Start it at a site with a cluster (kifabrik run start), or write nodes: 1.",
        )
    from kifabrik.cluster.distribution import distribute  # only where it is needed

    command = (sys.executable, "-m", "kifabrik", *(["run", str(recipe), "--folder", str(folder)]))
    command += ("--dataset", str(dataset), "--run-id", name, *(["--json"] if as_json else []))
    words = distribute(command, nodes=1, processes_per_node=work.hardware.processes_per_node)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(words[0], words)  # noqa: S606  # the same interpreter with words that we made, and no shell
