"""Accounts on a real Slurm: made, paused, closed, and limits that leave exactly what is left, after a crash too."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.slurm.patience import wait
from tests.slurm.private_cluster import PrivateCluster
from tests.slurm.test_accounting import wait_for_rest

from kifabrik.cluster.slurm import accounts
from kifabrik.cluster.slurm.accounting_import import Accounting
from kifabrik.cluster.slurm.accounts import DesiredAccount, Verb
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import InvalidInput

BUDGET_GPU_SECONDS = 1230
LONG = "AssocGrpGRESMinutes"


class Keeper:
    """Makes one account as it should be, and asks what Slurm does with it."""

    def __init__(self, cluster: PrivateCluster, slurm: Slurm, profile: SiteProfile, name: str) -> None:
        self.cluster = cluster
        self.slurm = slurm
        self.profile = profile
        self.name = name
        self.accounting = Accounting(slurm, cluster=profile.cluster, tres=profile.tres, user=cluster.user)
        self.desired = DesiredAccount(
            name=name,
            state="open",
            budget_gpu_seconds=BUDGET_GPU_SECONDS,
            accounted_gpu_seconds=0,
            members=frozenset(),
        )

    def observe(self) -> accounts.ObservedAccount:
        return self.observe_all()[self.name]

    def observe_all(self) -> dict[str, accounts.ObservedAccount]:
        return accounts.observe(
            self.slurm, [self.name], parent="kifabrik", cluster=self.profile.cluster, tres=self.profile.tres
        )

    def keep(self, **changes: object) -> tuple[str, ...]:
        """Do what the agent does: counters, then accounting, then the changes."""
        self.desired = replace(self.desired, **changes)  # type: ignore[arg-type]
        observed = self.observe_all()
        desired = replace(self.desired, accounted_gpu_seconds=self.accounted())
        planned = accounts.plan([desired], observed, parent="kifabrik", agent_user=self.cluster.user)
        deeds = accounts.apply(
            self.slurm, planned, parent="kifabrik", cluster=self.profile.cluster, tres=self.profile.tres
        )
        assert deeds.failed == {}
        return tuple(str(change.verb) for change in deeds.done)

    def accounted(self) -> int:
        return sum(job.gpu_seconds for job in self.accounting.read([self.name]))

    def submit(self, work: str, *, gpus: int, minutes: int, nodes: int = 1) -> str:
        words = ("sbatch", "--parsable", f"--account={self.name}", f"--nodes={nodes}", f"--gres=gpu:{gpus // nodes}")
        return self.cluster.run(*words, f"--time={minutes}", "--output=/dev/null", f"--wrap={work}").stdout.strip()

    def run_to_end(self, work: str, *, gpus: int, minutes: int, nodes: int = 1) -> None:
        self.submit(work, gpus=gpus, minutes=minutes, nodes=nodes)
        self.wait_for_rest()

    def wait_for_rest(self) -> None:
        wait_for_rest(self.cluster, self.slurm, self.name)

    def wait_until_jobs_are_saved(self) -> None:
        """Wait until the controller has saved that the jobs are over: it does within seconds, counters only later."""
        ended = time.time()
        self.cluster.run("scancel", self.submit("true", gpus=1, minutes=999))  # a change, so that it saves at all
        wait(lambda: (self.cluster.folder / "state" / "job_state").stat().st_mtime > ended, what="the jobs' state")

    def fate(self, number: str) -> str:
        """Wait until Slurm has decided about a job: it runs, or it says why not."""
        asked = ("squeue", "--noheader", "--states=all", f"--jobs={number}", "--format=%T %r")

        def said() -> list[str]:
            return " ".join(self.slurm.read(*asked)).split()

        wait(lambda: said()[:1] != ["PENDING"] or said()[1:] not in ([], ["None"], ["Priority"], ["Resources"]))
        state, reason = said()
        return reason if state == "PENDING" else "runs"

    def check_exactly_what_is_left_can_be_had(self) -> None:
        """A job of the minutes that are left starts, one of a minute more does not."""
        minutes = (BUDGET_GPU_SECONDS - self.accounted()) // 60
        too_long = self.submit("sleep 300", gpus=1, minutes=minutes + 1)
        assert self.fate(too_long) == LONG
        self.cluster.run("scancel", too_long)
        fits = self.submit("true", gpus=1, minutes=minutes)
        assert self.fate(fits) == "runs"
        self.wait_for_rest()


@pytest.fixture
def keeper(cluster: PrivateCluster, slurm: Slurm, profile: SiteProfile, account: str) -> Keeper:
    return Keeper(cluster, slurm, profile, f"kf-{account}"[:40].strip("-"))


def test_account_begins_paused_and_opens_with_its_limit(keeper: Keeper) -> None:
    verbs = keeper.keep(members=frozenset({"nobody"}))
    seen = keeper.observe()

    assert verbs[-4:] == ("add member", "add member", "limit", "resume")
    assert (seen.limit_minutes, seen.is_paused, seen.members) == (20, False, {keeper.cluster.user, "nobody"})
    assert keeper.keep() == ()


def test_limit_leaves_what_is_left_also_when_the_controller_is_killed(keeper: Keeper) -> None:
    keeper.keep()
    keeper.check_exactly_what_is_left_can_be_had()
    keeper.cluster.restart("slurmctld")  # it saves its counters now, and not again for five minutes
    keeper.run_to_end("sleep 12", gpus=8, minutes=1, nodes=2)
    counted = keeper.observe().counter_minutes
    keeper.keep()
    assert counted >= 1
    keeper.check_exactly_what_is_left_can_be_had()

    keeper.wait_until_jobs_are_saved()
    keeper.cluster.kill("slurmctld")
    keeper.cluster.restart("slurmctld")
    fallen = keeper.observe()
    before_correction = keeper.accounted()
    assert fallen.counter_minutes < counted  # Slurm has forgotten, and would let a job have too much
    assert keeper.keep() == ("limit",)
    assert keeper.observe().limit_minutes == (BUDGET_GPU_SECONDS - before_correction) // 60 + fallen.counter_minutes
    keeper.check_exactly_what_is_left_can_be_had()


def test_nothing_is_left_of_a_spent_budget(keeper: Keeper) -> None:
    keeper.keep()
    keeper.run_to_end("sleep 2", gpus=2, minutes=1)
    keeper.keep(budget_gpu_seconds=0)

    number = keeper.submit("true", gpus=1, minutes=1)

    assert keeper.fate(number) == LONG
    keeper.keep(budget_gpu_seconds=BUDGET_GPU_SECONDS)
    keeper.wait_for_rest()
    assert {job.job_id: job.state for job in keeper.accounting.read([keeper.name])}[number] == "COMPLETED"


def test_paused_account_takes_nothing_and_starts_nothing_but_lets_run(keeper: Keeper) -> None:
    keeper.keep()
    running = keeper.submit("sleep 60", gpus=1, minutes=2)
    assert keeper.fate(running) == "runs"
    waiting = keeper.submit("true", gpus=4, minutes=1)
    keeper.cluster.run("scontrol", "hold", waiting)

    assert keeper.keep(state="paused") == (Verb.PAUSE,)
    keeper.cluster.run("scontrol", "release", waiting)
    with pytest.raises(RuntimeError, match="AssocGrpSubmitJobsLimit"):
        keeper.submit("true", gpus=1, minutes=1)
    assert keeper.fate(waiting) == "AssocGrpJobsLimit"
    assert keeper.fate(running) == "runs"
    keeper.cluster.run("scancel", running)
    assert keeper.keep(state="open") == (Verb.RESUME,)
    keeper.wait_for_rest()

    states = {job.job_id: job.state for job in keeper.accounting.read([keeper.name])}
    assert states == {running: "CANCELLED", waiting: "COMPLETED"}


def test_closed_account_loses_its_members_and_lets_jobs_end(keeper: Keeper) -> None:
    keeper.keep(members=frozenset({"nobody"}))
    number = keeper.submit("sleep 3", gpus=1, minutes=1)
    assert keeper.fate(number) == "runs"

    assert keeper.keep(state="closed") == (Verb.PAUSE, Verb.REMOVE_MEMBER)
    seen = keeper.observe()
    keeper.wait_for_rest()

    assert (seen.is_paused, seen.members) == (True, {keeper.cluster.user})
    assert [job.state for job in keeper.accounting.read([keeper.name])] == ["COMPLETED"]


@pytest.mark.parametrize("name", ["root,spare", "a b", "x;reboot", "--help", "A", "ä", "a=b"])
def test_user_name_that_is_none_never_reaches_a_command(keeper: Keeper, name: str) -> None:
    with pytest.raises(InvalidInput):
        keeper.keep(members=frozenset({name}))

    assert keeper.name not in keeper.observe_all()


def test_words_of_sacctmgr_are_names_like_others(keeper: Keeper) -> None:
    keeper.keep(members=frozenset({"where", "set"}))

    assert keeper.observe().members == {keeper.cluster.user, "where", "set"}


def test_removing_a_member_twice_is_removing_it_once(keeper: Keeper) -> None:
    keeper.keep(members=frozenset({"nobody"}))
    change = accounts.Change(Verb.REMOVE_MEMBER, keeper.name, "nobody")
    apply: Callable[[], accounts.Deeds] = lambda: accounts.apply(  # noqa: E731  # twice the same
        keeper.slurm, [change, accounts.Change(Verb.ADD, keeper.name)],
        parent="kifabrik", cluster=keeper.profile.cluster, tres=keeper.profile.tres,
    )  # fmt: skip

    assert (apply().failed, apply().failed) == ({}, {})
    assert keeper.observe().members == {keeper.cluster.user}
