"""Puts an agent together: reads the site profile and chooses executor, duties and rehearsal. Knows no loop."""

import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from kifabrik.cluster.executor import Executor
from kifabrik.cluster.local import LocalExecutor
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile, read_profile
from kifabrik.core.errors import InvalidInput
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient
from kifabrik.site.doctor import examine_site
from kifabrik.site.notices import Notices
from kifabrik.site.pruning import Pruning
from kifabrik.site.rehearsal import RehearsalOnSlurm, RehearsalStaging, rehearse_executor
from kifabrik.site.slurm_rounds import SlurmRounds
from kifabrik.site.tending import Command, walk_command

PROFILE = "site.yaml"


def read_site(home: Path) -> SiteProfile:
    """Read the profile of the home folder; without one, jobs run on this machine."""
    path = home / PROFILE
    return read_profile(path) if path.exists() else SiteProfile()


def own_user() -> str:
    """Name the user of this process, who submits the jobs. Raises InvalidInput for a number without a name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise InvalidInput(
            f"this machine has no name for user number {os.geteuid()}.", remedy="Run the agent as a named user."
        ) from error


def state_folder() -> Path:
    """Name the folder of the locks that keep a second agent of this user away from the same accounts."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "kifabrik"


def build_agent(
    client: PortalClient,
    *,
    home: Path,
    devices: int = 1,
    say: Callable[[str], None] | None = None,
    command: Command = walk_command,
    renew_token: Callable[[], None] | None = None,
) -> Agent:
    """Build the agent of a home folder; with `say` it is a rehearsal, and `client` must be one too."""
    home = home.absolute()
    profile = read_site(home)
    slurm = Slurm(dry_run=say)
    notices = Notices(client)
    duty = _choose_duty(profile, home=home, client=client, slurm=slurm, notices=notices)
    executor = _choose_executor(profile, home=home, devices=devices, slurm=slurm, say=say)
    notes = executor if isinstance(executor, SlurmExecutor | RehearsalOnSlurm) else None
    return Agent(
        client,
        executor,
        home,
        lambda: datetime.now(UTC),
        command=command,
        notices=notices,
        duty=duty,
        pruning=Pruning(home, keep_days=profile.keep_days, notes=notes, say=say),
        find_account=duty.accounts.find if duty else _no_account,
        staging=RehearsalStaging(home, say) if say else None,
        locks=_locks(profile),
        is_rehearsal=say is not None,
        renew_token=renew_token,
    )


def _locks(profile: SiteProfile) -> tuple[Path, ...]:
    """Two homes are two memories: on one cluster they would submit a run twice."""
    if profile.executor != "slurm":
        return ()
    return (state_folder() / f"agent-{profile.cluster}-{profile.account_prefix.rstrip('-')}.lock",)


def _no_account(_cluster_account: str) -> str:
    """Name no account: this machine has none."""
    return ""


def _choose_executor(
    profile: SiteProfile, *, home: Path, devices: int, slurm: Slurm, say: Callable[[str], None] | None
) -> Executor:
    if say is not None:
        return rehearse_executor(profile, home=home, devices=devices, slurm=slurm, say=say)
    if profile.executor == "slurm":
        return SlurmExecutor(profile, state_folder=home / "jobs", slurm=slurm)
    return LocalExecutor(home / "jobs", devices=devices)


def _choose_duty(
    profile: SiteProfile, *, home: Path, client: PortalClient, slurm: Slurm, notices: Notices
) -> SlurmRounds | None:
    if profile.executor != "slurm":
        return None
    user = own_user()
    return SlurmRounds(
        client=client,
        slurm=slurm,
        profile=profile,
        agent_user=user,
        notices=notices,
        check_up=lambda: examine_site(profile, home=home, user=user, slurm=slurm),
    )
