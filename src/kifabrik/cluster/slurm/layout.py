"""How a job lies on a cluster's nodes, and whether it can run there at all. Knows jobs and profiles, no script."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kifabrik.cluster.jobs import JobSpec, check_spec
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import InvalidInput

_ACCOUNT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,80}$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NEVER_IN_A_SCRIPT = re.compile(r"[\x00\r]")  # the one ends a word early, the other makes sbatch refuse the script


@dataclass(frozen=True, slots=True)
class Layout:
    """What one node of a job holds."""

    devices_per_node: int
    cpus_per_node: int
    memory_per_node: str
    is_spread: bool

    @classmethod
    def of(cls, spec: JobSpec, profile: SiteProfile) -> "Layout":
        """Spread the devices of a job evenly over its nodes."""
        devices = spec.devices // spec.nodes
        memory = ""
        if profile.memory_per_device:
            memory = f"{int(profile.memory_per_device[:-1]) * devices}{profile.memory_per_device[-1]}"
        return cls(
            devices_per_node=devices,
            cpus_per_node=devices * profile.cpus_per_device,
            memory_per_node=memory,
            is_spread=spec.nodes > 1,
        )


def check_job(spec: JobSpec, profile: SiteProfile) -> None:
    """Raise InvalidInput for a job that can never run on this cluster, or whose words cannot go into a script."""
    check_spec(spec, devices_max=profile.devices_per_node * profile.nodes_max)
    if not 1 <= spec.nodes <= profile.nodes_max:
        message = f"the job asks for {spec.nodes} nodes and a job may have {profile.nodes_max} here."
        raise InvalidInput(message, where=spec.key, remedy=f"Ask for 1 to {profile.nodes_max}.")
    if spec.devices % spec.nodes:
        message = f"{spec.devices} devices cannot lie evenly on {spec.nodes} nodes."
        raise InvalidInput(message, where=spec.key, remedy=f"Ask for a multiple of {spec.nodes} devices.")
    if spec.devices // spec.nodes > profile.devices_per_node:
        message = f"the job asks for {spec.devices // spec.nodes} devices a node and a node has"
        remedy = "Ask for fewer devices, or for more nodes."
        raise InvalidInput(f"{message} {profile.devices_per_node}.", where=spec.key, remedy=remedy)
    if spec.account and not _ACCOUNT.match(spec.account):
        raise InvalidInput("is no name of a cluster account.", where=spec.account[:80])
    _check_words(spec, profile.environment)


def _check_words(spec: JobSpec, site_environment: Mapping[str, str]) -> None:
    folder = str(spec.folder)
    if _CONTROL.search(folder) or "\\" in folder:  # Slurm would read a log's path differently
        message = "a run folder's path may not hold line ends, other control characters or backslashes on a cluster."
        raise InvalidInput(message, where=repr(folder)[:120])
    if not spec.folder.is_absolute():
        raise InvalidInput("a run folder on a cluster needs its whole path.", where=folder)
    for name in (*site_environment, *spec.environment):
        if not _VARIABLE.match(name):
            raise InvalidInput("is no name of an environment variable.", where=repr(name)[:80])
    for word in (*spec.command, *spec.environment.values()):
        if _NEVER_IN_A_SCRIPT.search(word):
            message = "a job's words may not hold carriage returns or zero bytes."
            raise InvalidInput(message, where=repr(word)[:80])
