"""Writes what a new site needs: a service for systemd and a commented profile, from what Slurm says of itself.

The texts are pure functions; `write_new` never writes over a file of another text unless told so.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.core import files
from kifabrik.core.errors import Unavailable

_KERNEL = """\
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
CapabilityBoundingSet=
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Slurm says of itself; `others` are the partitions that were not chosen."""

    cluster: str
    partition: str
    gres: str
    devices_per_node: int
    cpus_per_device: int
    nodes: int
    time_limit: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one file: `written`, `unchanged`, `kept` (it has another text) or `replaced`."""

    path: Path
    deed: str
    text: str


def look_around(slurm: Slurm, *, partition: str = "") -> Found:
    """Ask Slurm for its name and its partitions; without a wish the one with the most accelerators is chosen.

    Raises Unavailable when Slurm does not answer or has no such partition.
    """
    cluster = slurm.configuration().get("ClusterName", "")
    rows = [line.split("|") for line in slurm.read("sinfo", "--noheader", "--format=%R|%D|%c|%l|%G")]
    if partition and partition not in {row[0] for row in rows}:
        known = ", ".join(sorted({row[0] for row in rows}))
        raise Unavailable(f"there is no partition {partition!r}.", remedy=f"Known partitions: {known}.")
    offers = [_read_offer(cluster, row) for row in rows if not partition or row[0] == partition]
    if not offers:
        raise Unavailable("Slurm shows no partition to this user.", remedy="Ask the operator for access to one.")
    best = max(offers, key=lambda offer: (offer.devices_per_node > 0, offer.devices_per_node * offer.nodes))
    others = tuple(sorted({row[0] for row in rows} - {best.partition}))
    return Found(**{**{name: getattr(best, name) for name in Found.__slots__}, "others": others})


def profile_text(found: Found) -> str:
    """Write the profile of a site with everything that an operator may want to change."""
    is_gpu = found.devices_per_node > 0
    others = f"; also here: {', '.join(found.others)}" if found.others else ""
    return f"""\
# How Kifabrik uses this cluster. Lines that begin with '#' show what else may be set.
# 'kifabrik site doctor' checks it; 'kifabrik site agent --dry-run' shows what the agent would do.
executor: slurm
cluster: {found.cluster}
partition: {found.partition}  # {found.nodes} nodes, time limit {found.time_limit}{others}

# What one GPU second counts: {"gres/gpu" if is_gpu else "cpu, because no node shows a GPU"}.
tres: {"gres/gpu" if is_gpu else "cpu"}
{"" if is_gpu else "# "}gres: {found.gres if is_gpu else "gpu"}
devices_per_node: {found.devices_per_node if is_gpu else found.cpus_per_device}
nodes_max: {found.nodes}  # how many nodes one job may have
cpus_per_device: {found.cpus_per_device if is_gpu else 1}
# memory_per_device: 60G

# Accounts: one below the parent for each allocation.
parent_account: kifabrik
account_prefix: kf-
# qos: normal

# Shell lines before each job's command.
# prelude:
#   - module load Python
# launcher: apptainer  # none, apptainer or pyxis
# image: /shared/images/kifabrik.sif

# How the nodes of one job find the first: hostname, node-address, or 'hostname+i' for a suffix.
# master_address: hostname
# scratch: /tmp
# python: /shared/kifabrik/bin/python  # Python with Kifabrik as compute nodes see it
# sbatch_options:
#   - --constraint=h100
warning_seconds: 300  # between the warning and the end; leave time to save

# How many days unused datasets and notes of ended jobs stay in the home folder.
keep_days: 30
"""


def find_environment() -> dict[str, str]:
    """Say what a service must be told because it does not have the operator's shell: where Slurm is."""
    place = shutil.which("sbatch")
    folders = dict.fromkeys([*([str(Path(place).parent)] if place else []), "/usr/local/bin", "/usr/bin", "/bin"])
    settings = os.environ.get("SLURM_CONF")
    return {"PATH": ":".join(folders)} | ({"SLURM_CONF": settings} if settings else {})


def unit_text(
    *,
    python: str,
    portal: str,
    home: Path,
    state: Path,
    environment: Mapping[str, str],
    is_for_user: bool,
    user: str,
) -> str:
    """Write the service for systemd: no more rights than a user has, and writing in its own folders only."""
    command = shlex.join([python, "-m", "kifabrik", "site", "agent", "--portal", portal, "--home", str(home)])
    variables = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in environment.items())
    who = "" if is_for_user else f"User={user}\n"
    target = "default.target" if is_for_user else "multi-user.target"
    # A user's own manager cannot take capabilities away, and a service that asks for it does not start there.
    kernel = "" if is_for_user else _KERNEL
    return f"""\
[Unit]
Description=Kifabrik site agent
Documentation=man:systemd.service(5)
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
{who}{variables}ExecStart={command.replace("%", "%%")}
Restart=always
RestartSec=10
# Jobs live on the cluster; stopping the agent stops none of them.
KillMode=mixed
TimeoutStopSec=30

NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={_quoted(home)} {_quoted(state)}
PrivateTmp=yes
{kernel}RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
UMask=0077

[Install]
WantedBy={target}
"""


def write_new(path: Path, text: str, *, replace: bool, mode: int = 0o644) -> Written:
    """Write a file unless one of another text is there; with `replace` the old one is kept beside it as `.old`."""
    try:
        before = path.read_text()
    except FileNotFoundError:
        files.write_text(path, text, mode=mode)
        return Written(path, "written", text)
    if before == text:
        return Written(path, "unchanged", text)
    if not replace:
        return Written(path, "kept", text)
    files.write_text(path.with_name(f"{path.name}.old"), before, mode=mode)
    files.write_text(path, text, mode=mode)
    return Written(path, "replaced", text)


def _read_offer(cluster: str, row: list[str]) -> Found:
    partition, nodes, cpus, limit, gres = row
    kinds = re.findall(r"(gpu(?::[A-Za-z0-9_.-]+)?):(\d+)", re.sub(r"\([^)]*\)", "", gres))
    kind, devices = (kinds[0][0], sum(int(count) for _, count in kinds)) if kinds else ("gpu", 0)
    cores = int(re.sub(r"\D.*", "", cpus) or 1)
    return Found(
        cluster=cluster,
        partition=partition,
        gres=kind if len(kinds) == 1 else "gpu",
        devices_per_node=devices,
        cpus_per_device=max(1, cores // devices) if devices else cores,
        nodes=int(nodes),
        time_limit=limit,
        others=(),
    )


def _quoted(value: Path | str) -> str:
    text = str(value).replace("%", "%%")
    return f'"{text}"' if re.search(r"\s", text) else text
