"""The site profile: what Kifabrik must know of one cluster, `site.yaml` in the agent's home. Knows no job.

Whatever ends up in a job script is held to a pattern here, so that no profile can break out of its line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from kifabrik.records import yaml_file
from kifabrik.records.base import Part

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.,@+-]{0,120}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]{1,1000}$")]
Option = Annotated[str, StringConstraints(pattern=r"^--[a-z][^\r\n\x00]{0,300}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,120}$")]

OFFLINE: Mapping[str, str] = {
    "HF_HUB_OFFLINE": "1",  # a compute node has no internet; without this, libraries wait for it
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_SHAPE = "In YAML, a site profile is a mapping such as 'executor: slurm', 'cluster: lumi', 'partition: standard-g'."


class SiteProfile(Part):
    """One cluster as its operator describes it; everything has a default but what only the operator knows."""

    executor: Literal["local", "slurm"] = "local"
    cluster: Word = Field(default="local", description="the cluster's name in Slurm's accounting")
    partition: Word | None = None
    account_prefix: str = Field(default="kf-", pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")
    parent_account: Word = "kifabrik"
    qos: Word | None = None
    tres: Literal["gres/gpu", "cpu"] = Field(default="gres/gpu", description="what is billed")
    gres: str = Field(default="gpu", pattern=r"^gpu(:[A-Za-z0-9_.-]{1,60})?$", description="gpu, or with its kind")
    devices_per_node: int = Field(default=1, ge=1, le=1024)
    nodes_max: int = Field(default=1, ge=1, le=100_000, description="nodes that one job may have")
    cpus_per_device: int = Field(default=1, ge=1, le=1024)
    memory_per_device: str | None = Field(default=None, pattern=r"^[1-9][0-9]{0,6}[MG]$", description="such as 60G")
    prelude: tuple[Line, ...] = Field(default=(), description="shell lines before the command: modules, environments")
    launcher: Literal["none", "apptainer", "pyxis"] = "none"
    image: Line | None = Field(default=None, description="container image of the launcher")
    mounts: tuple[Line, ...] = Field(default=(), description="folders that a container sees beside the run's")
    master_address: str = Field(
        default="hostname",
        pattern=r"^(hostname|node-address)(\+[A-Za-z0-9.-]{1,60})?$",
        description="how nodes reach the first one; 'hostname+i' adds a suffix",
    )
    scratch: Line | None = Field(default=None, description="folder on the nodes for temporary files")
    environment: Mapping[Variable, Line] = Field(default_factory=lambda: dict(OFFLINE))
    sbatch_options: tuple[Option, ...] = Field(default=(), description="more options of sbatch, each with its --")
    warning_seconds: int = Field(default=300, ge=10, le=86_400, description="between the warning and the time limit")
    keep_days: int = Field(
        default=30, ge=1, le=36_500, description="how long unused datasets and notes of ended jobs stay in the home"
    )
    python: Line | None = Field(default=None, description="Python on the compute nodes, where it is another one")

    @model_validator(mode="after")
    def _check_launcher(self) -> "SiteProfile":
        if self.launcher != "none" and self.image is None:
            raise ValueError(f"the launcher {self.launcher} needs an image")
        return self

    def account_name(self, cluster_account: str) -> str:
        """Name the cluster's account of an allocation: with this site's prefix."""
        return self.account_prefix + cluster_account.removeprefix("kf-")


def read_profile(path: Path) -> SiteProfile:
    """Read a site profile; raises InvalidInput with `file:line`, the field and what to write instead."""
    return yaml_file.read_yaml(path, SiteProfile, noun="site profile", shape=_SHAPE)
