"""Looks at everything a site needs before the first job: cluster, home folder, portal, token, clocks, service.

Every check reads; none changes anything that lasts. What could not be asked is a finding too.
"""

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from kifabrik.cluster.slurm import checkup
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import KifabrikError, Refused
from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.core.quantities import format_bytes
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import read_desired
from kifabrik.site.pruning import measure

UNIT = "kifabrik-site.service"
_NODE = "compute node"
FREE_BYTES_FEW = 20_000_000_000
FREE_BYTES_TOO_FEW = 1_000_000_000
CLOCK_SECONDS_MAX = 30.0
SHARED = frozenset(
    {"nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "fuse.ceph", "cephfs", "wekafs", "panfs", "orangefs", "cifs",
     "smb3", "9p", "afs", "glusterfs", "fuse.glusterfs", "pvfs2", "fhgfs", "quobyte", "vast", "exafs", "beegfs_nodev"}
)  # fmt: skip


def examine_site(profile: SiteProfile, *, home: Path, user: str, slurm: Slurm) -> tuple[Finding, ...]:
    """Look at what does not depend on the portal: cluster, disk, Python. The agent does it too, now and then."""
    on_cluster = checkup.examine(slurm, profile, user=user) if profile.executor == "slurm" else ()
    return sort_by_weight((*on_cluster, *_check_home(home, profile), *_check_python(profile)))


def examine(
    profile: SiteProfile,
    *,
    home: Path,
    user: str,
    slurm: Slurm,
    client: PortalClient,
    now: Callable[[], datetime],
    site_code: str = "",
    with_job: bool = False,
) -> tuple[Finding, ...]:
    """Look at everything; `with_job` starts a job of a few seconds to try Python on a compute node."""
    findings = [*examine_site(profile, home=home, user=user, slurm=slurm)]
    findings += _check_portal(client, now=now, site_code=site_code)
    findings += _check_service()
    findings += _measure_home(home, profile)
    if profile.executor == "slurm":
        findings.append(_check_node(profile, slurm, home=home) if with_job else _not_tried())
    return sort_by_weight(findings)


def _check_home(home: Path, profile: SiteProfile) -> Iterator[Finding]:
    where = str(home)
    if not home.is_dir():
        yield Finding(
            "site.no-home", Severity.BLOCKING, "there is no such folder.", where, "Run 'kifabrik site install'."
        )
        return
    if home.stat().st_mode & 0o022:
        remedy = f"Run: chmod go-w {home}"
        yield Finding("site.open-home", Severity.SERIOUS, "others may write in the home folder.", where, remedy)
    kind = file_system_of(home)
    if profile.executor == "slurm" and kind not in SHARED:
        yield Finding(
            "site.home-not-shared",
            Severity.WARNING,
            f"the home folder lies on {kind or 'an unknown file system'}, which compute nodes may not see.",
            where,
            "Choose a folder on the cluster's shared file system, or see to it that all nodes have this one.",
        )
    free_bytes = shutil.disk_usage(home).free
    if free_bytes < FREE_BYTES_FEW:
        yield Finding(
            "site.disk",
            Severity.SERIOUS if free_bytes < FREE_BYTES_TOO_FEW else Severity.WARNING,
            f"{format_bytes(free_bytes)} are free.",
            where,
            "Make room: run folders of ended runs may go once the portal has what they left.",
        )
    else:
        yield Finding("site.disk", Severity.INFO, f"{format_bytes(free_bytes)} are free.", where)
    yield from _check_lock(home)


def _measure_home(home: Path, profile: SiteProfile) -> Iterator[Finding]:
    """Say what fills the home; a command may take the time to look at every file, the agent does not."""
    amounts = [f"{one.place} {format_bytes(one.size_bytes)} ({one.files} files)" for one in measure(home) if one.files]
    if amounts:
        message = (
            f"The home holds {', '.join(amounts)}. Unused datasets, files and notes of ended jobs go after "
            f"{profile.keep_days} days; run folders stay."
        )
        yield Finding("site.holds", Severity.INFO, message, str(home))


def _check_lock(home: Path) -> Iterator[Finding]:
    """Try whether a lock keeps a second holder out: on some network file systems it does nothing."""
    try:
        with (
            tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-") as first,
            Path(first.name).open("rb") as second,
        ):
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            message = "locks have no effect on this file system, so that two agents could work here at once."
    except OSError as error:
        message = f"no file can be made and locked here: {error.strerror or error}."
    remedy = "Mount it with locks (Lustre: -o flock), or choose another home folder."
    yield Finding("site.no-locks", Severity.BLOCKING, message, str(home), remedy)


def _check_python(profile: SiteProfile) -> Iterator[Finding]:
    python = Path(profile.python or sys.executable)
    kind = file_system_of(python)
    if profile.executor == "slurm" and not profile.python and kind not in SHARED:
        yield Finding(
            "site.python-not-shared",
            Severity.WARNING,
            f"jobs would use {python}, which lies on {kind or 'an unknown file system'}.",
            "site.yaml: python",
            "Install Kifabrik where compute nodes see it too, or write 'python: /path/on/the/nodes'; "
            "'kifabrik site doctor --with-job' tries it.",
        )


def _check_portal(client: PortalClient, *, now: Callable[[], datetime], site_code: str) -> Iterator[Finding]:
    try:
        desired = read_desired(client.get("/site/desired"))
    except Refused as error:
        yield Finding(
            "site.token",
            Severity.BLOCKING,
            f"the portal does not accept the token: {error.message}",
            client.url,
            "Make a new one on the site's page of the portal and put it into the token file.",
        )
        return
    except KifabrikError as error:
        yield Finding("site.portal", Severity.BLOCKING, error.message, client.url, error.remedy)
        return
    if site_code and desired.site != site_code:
        yield Finding(
            "site.token-of-another-site",
            Severity.BLOCKING,
            f"the token is that of site {desired.site!r}, not of {site_code!r}.",
            client.url,
            "Put the token of this site into the token file.",
        )
    else:
        yield Finding("site.token", Severity.INFO, f"The token is that of site {desired.site!r}.", client.url)
    yield from _check_clock(desired.now, now())


def _check_clock(said: str, here: datetime) -> Iterator[Finding]:
    try:
        offset_seconds = (here - datetime.fromisoformat(said)).total_seconds()
    except (ValueError, TypeError):
        yield Finding("site.clock", Severity.NOT_CHECKED, f"the portal's clock says {said!r}.")
        return
    if abs(offset_seconds) > CLOCK_SECONDS_MAX:
        yield Finding(
            "site.clock",
            Severity.WARNING,
            f"this machine's clock is {offset_seconds:+.0f} seconds off the portal's.",
            remedy="Let both follow a time server. Usage is not touched by it: it counts by the cluster's clock.",
        )


def _check_service() -> Iterator[Finding]:
    """Ask systemd, where there is one, whether the agent comes back after a restart of the machine."""
    program = shutil.which("systemctl")
    if program is None or not Path("/run/systemd/system").is_dir():
        message = "this machine has no systemd; somebody else must start the agent after a restart."
        yield Finding("site.service", Severity.NOT_CHECKED, message)
        return
    for words in ((program, "--user"), (program,)):
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run([*words, "is-enabled", UNIT], capture_output=True, text=True, timeout=20, check=False)
            if done.stdout.strip() == "enabled":
                yield Finding("site.service", Severity.INFO, f"{UNIT} is enabled.")
                return
    yield Finding(
        "site.service",
        Severity.WARNING,
        f"{UNIT} is not enabled, so the agent does not come back after a restart of this machine.",
        remedy=f"Run: systemctl --user enable --now {UNIT}",
    )


def _check_node(profile: SiteProfile, slurm: Slurm, *, home: Path) -> Finding:
    """Run a job of a few seconds that sees the home folder and imports what a run imports."""
    partition = (f"--partition={profile.partition}",) if profile.partition else ()
    account = (f"--account={profile.parent_account}",)
    words = ("--nodes=1", "--ntasks=1", "--time=2", "--immediate=60", *partition, *account)
    try:
        said = slurm.read("srun", *words, "bash", "-c", _trial(profile, home))
    except KifabrikError as error:
        return _explain_failure(error, profile)
    if "True" not in said:
        message = f"a compute node cannot write in {home}."
        return Finding("site.node", Severity.BLOCKING, message, _NODE, "Choose a home folder that nodes see.")
    return Finding("site.node", Severity.INFO, "A compute node runs Kifabrik and writes in the home folder.")


def _trial(profile: SiteProfile, home: Path) -> str:
    """Write what the job does: the profile's own lines first, as in the script of every job, but in no container."""
    code = f"import os, kifabrik.workbench.walk; print(os.access({str(home)!r}, os.W_OK))"
    exports = (f"export {name}={shlex.quote(value)}" for name, value in profile.environment.items())
    python = shlex.join((profile.python or sys.executable, "-c", code))
    return "\n".join((*exports, *profile.prelude, f"exec {python}"))


def _explain_failure(error: KifabrikError, profile: SiteProfile) -> Finding:
    message = f"the trial job failed: {error.message.removeprefix('Slurm refused: ')}"
    if re.search("busy|currently unavailable|did not answer within", error.message):
        message = "no compute node was free within a minute, so whether it can run Kifabrik was not tried."
        return Finding("site.node", Severity.NOT_CHECKED, message, _NODE, "Try again later.")
    if "account" in error.message.lower():
        remedy = f"The agent adds its user to the account {profile.parent_account} in its first round; try again then."
        return Finding("site.node", Severity.SERIOUS, message, _NODE, remedy)
    remedy = (
        "Kifabrik with its workbench must be installed where nodes see it; look at 'python' and 'prelude' in site.yaml."
    )
    return Finding("site.node", Severity.BLOCKING, message, _NODE, remedy)


def _not_tried() -> Finding:
    message = "whether a compute node can run Kifabrik was not tried."
    return Finding("site.node", Severity.NOT_CHECKED, message, remedy="Run 'kifabrik site doctor --with-job'.")


def file_system_of(path: Path) -> str:
    """Name the kind of file system that holds a path; empty where that cannot be told."""
    best, kind = "", ""
    place = os.path.realpath(path)
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(errors="replace").splitlines():
            _device, mount, name, *_rest = line.split(" ")
            mount = mount.replace("\\040", " ")
            if len(mount) >= len(best) and (place == mount or place.startswith(mount.rstrip("/") + "/")):
                best, kind = mount, name
    return kind
