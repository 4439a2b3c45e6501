"""The demo on a Slurm cluster: the site's profile, and a recipe whose training two nodes share. Knows no step."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from kifabrik.core.errors import Unavailable
from kifabrik.core.files import write_text

if TYPE_CHECKING:
    from kifabrik.records.recipe import Recipe

NODES = 2
DEVICES_PER_NODE = 4


def prepare_slurm(home: Path, recipe: "Recipe") -> "Recipe":
    """Write the profile of the cluster that answers here, and spread the recipe over two nodes.

    Raises Unavailable if no cluster answers.
    """
    from kifabrik.cluster.slurm.commands import Slurm  # only where it is needed

    lines = Slurm().read("scontrol", "show", "config")
    name = next((line.partition("=")[2].strip() for line in lines if line.startswith("ClusterName")), "")
    if not name:
        raise Unavailable("no Slurm cluster answers here.", remedy="Start the demo with: make demo SITE=slurm")
    profile = {
        "executor": "slurm",
        "cluster": name,
        "devices_per_node": DEVICES_PER_NODE,
        "nodes_max": NODES,
        "cpus_per_device": 1,
        "master_address": "node-address",  # the nodes' names are not known to this machine
        "warning_seconds": 30,
        "python": sys.executable,
    }
    write_text(home / "site" / "site.yaml", yaml.safe_dump(profile, sort_keys=False))
    return recipe.model_copy(update={"hardware": recipe.hardware.model_copy(update={"nodes": NODES})})
