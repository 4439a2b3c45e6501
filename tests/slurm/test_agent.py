"""The site agent on a real Slurm with a portal that keeps the real one's rules: each run once, whoever is killed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes import walk
from tests.fakes.portal import FakePortal
from tests.site.test_agent_killed import door
from tests.slurm.patience import wait
from tests.slurm.private_cluster import PrivateCluster
from tests.slurm.test_accounting import wait_for_rest

from kifabrik.cluster.slurm.accounting import RUNAWAY
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import Conflict
from kifabrik.records import AccountedJob
from kifabrik.records.run_state import FINAL, RunState
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import DesiredRun
from kifabrik.site.notices import Notices
from kifabrik.site.slurm_rounds import SlurmRounds

ROOT = Path(__file__).parents[2]
AGENT = """
import sys, threading
from pathlib import Path
from tests.slurm.test_agent import walk_as_a_job
from kifabrik.site import agent, slurm_rounds
from kifabrik.site.assembly import build_agent
from kifabrik.site.client import PortalClient
home, port = Path(sys.argv[1]), sys.argv[2]
agent.BUSY_SECONDS = agent.IDLE_SECONDS = 0.2
client = PortalClient(f"http://127.0.0.1:{port}", "secret")
build_agent(client, home=home, command=walk_as_a_job).loop(threading.Event())
"""


def walk_as_a_job(run: DesiredRun, recipe: Path, folder: Path, dataset: Path) -> tuple[str, ...]:
    options = ("--folder", str(folder), "--dataset", str(dataset), "--run-id", run.id)
    return (sys.executable, str(Path(walk.__file__)), str(recipe), *options)


class Site:
    """A site on the private cluster: one home folder, one account, a portal; agents come and go."""

    def __init__(self, cluster: PrivateCluster, slurm: Slurm, profile: SiteProfile, folder: Path) -> None:
        self.cluster = cluster
        self.slurm = slurm
        self.profile = profile
        self.home = folder / "home"
        self.portal = FakePortal(budget_gpu_seconds=36_000)
        self.name = "".join(letter for letter in folder.name.lower() if letter.isalnum())[-24:]
        self.account = f"kf-{self.name}"
        self.allocation = self.portal.open_allocation(self.account, members=["nobody"])
        self.home.mkdir(parents=True)
        (self.home / "site.yaml").write_text(
            f"executor: slurm\ncluster: {profile.cluster}\nnodes_max: 2\ndevices_per_node: 4\n"
            f"account_prefix: kf-\nparent_account: kifabrik\nwarning_seconds: 20\n"
        )
        self.environment = {
            **os.environ, **cluster.environment, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)
        }  # fmt: skip

    def request_run(self, name: str, behaviour: str, **changes: object):  # a fake's row
        changes = {"cluster_account": self.account, "devices": 2, **changes}
        return self.portal.request_run(f"{self.name}-{name}", {"behaviour": behaviour.encode()}, **changes)

    def agent(self, **changes: object) -> Agent:
        """An agent in this process; `changes` are those of `Agent`."""
        client = PortalClient("http://127.0.0.1", "secret", self.portal.transport(), pause=lambda seconds: None)
        notices = Notices(client)
        rounds = SlurmRounds(
            client=client, slurm=self.slurm, profile=self.profile, agent_user=self.cluster.user, notices=notices,
            look_seconds=0.0,
        )  # fmt: skip
        executor = SlurmExecutor(self.profile, state_folder=self.home / "jobs", slurm=self.slurm)
        return Agent(
            client, executor, self.home, lambda: datetime.now(UTC), command=walk_as_a_job, clock=lambda: 0.0,
            duty=rounds, find_account=rounds.accounts.find, notices=notices,
            **changes,  # type: ignore[arg-type]
        )  # fmt: skip

    def work_until(self, condition: Callable[[], bool]) -> None:
        with self.agent() as agent:

            def is_reached() -> bool:
                agent.step()
                return condition()

            wait(is_reached, what="the site")

    def settle(self) -> None:
        """Let accounting hear of everything and the portal too."""
        wait_for_rest(self.cluster, self.slurm, self.account)
        with self.agent() as agent:
            agent.step()

    def jobs(self) -> list[str]:
        """All jobs that accounting ever had of this account, a line for each start: key and state."""
        words = ("sacct", "-nPXD", "-a", "-S", "1970-01-02", "-A", self.account, "-o", "JobName,State")
        return sorted(self.cluster.run(*words).stdout.split("\n"))[1:]

    def starts(self, run_id: str) -> int:
        path = self.home / "runs" / run_id / "starts"
        return len(path.read_text()) if path.exists() else 0

    def accounted(self) -> list[AccountedJob]:
        """What the portal heard of this site's account; the cluster has accounts of other tests too."""
        return [job for job in self.portal.accounted.values() if job.account == self.account]

    def codes(self) -> set[str]:
        return {finding.code for finding in self.portal.findings}


@pytest.fixture
def site(cluster: PrivateCluster, slurm: Slurm, profile: SiteProfile, tmp_path: Path) -> Iterator[Site]:
    site = Site(cluster, slurm, profile, tmp_path)
    yield site
    cluster.run("scancel", f"--account={site.account}", check=False)


def check_books_equal_accounting(site: Site) -> None:
    """Every second that accounting has of an attempt is in its usage, and the other way round."""
    accounted: dict[str, int] = {}
    for job in site.accounted():
        accounted[job.key] = accounted.get(job.key, 0) + job.gpu_seconds
    assert {key: row.gpu_seconds for key, row in site.portal.usage.items() if row.gpu_seconds} == {
        key: seconds for key, seconds in accounted.items() if seconds
    }
    assert site.portal.open_reservations == set()


def test_run_goes_from_wish_to_result_on_a_cluster(site: Site) -> None:
    run = site.request_run("a", "steps 20")
    wide = site.request_run("b", "steps 4", devices=4, nodes=1)

    site.work_until(lambda: run.state in FINAL and wide.state in FINAL)
    site.settle()

    assert (run.state, wide.state) == (RunState.SUCCEEDED, RunState.SUCCEEDED)
    assert sorted(run.events) == list(range(1, 21))
    assert {output["path"] for output in run.outputs} >= {"manifest.json", "model/model.safetensors", "job-1.log"}
    assert site.jobs() == [f"kf-{run.id}:1|COMPLETED", f"kf-{wide.id}:1|COMPLETED"]
    assert {job.key: job.account for job in site.accounted()} == dict.fromkeys(
        (f"{run.id}:1", f"{wide.id}:1"), site.account
    )
    assert sum(job.gpu_seconds for job in site.accounted()) >= 2
    check_books_equal_accounting(site)


def test_agent_killed_between_sbatch_and_its_note_submits_once(site: Site, tmp_path: Path) -> None:
    """sbatch is the real one; a word after its answer kills the agent, before it could write the answer down."""
    run = site.request_run("a", "steps 10")
    deadly = tmp_path / "bin" / "sbatch"
    deadly.parent.mkdir()
    real = shutil.which("sbatch")
    deadly.write_text(f'#!/bin/sh\n{real} "$@"\nrm -f "$0"\nkill -9 $PPID\n')
    deadly.chmod(0o755)
    environment = {**site.environment, "PATH": f"{deadly.parent}:{site.environment['PATH']}"}
    with door(site.portal) as port:
        words = [sys.executable, "-c", AGENT, str(site.home), str(port)]
        with subprocess.Popen(words, env=environment, cwd=ROOT) as first:
            assert first.wait(timeout=180) == -signal.SIGKILL
        assert run.state is RunState.REQUESTED  # nobody was told of the job
        with subprocess.Popen(words, env=environment, cwd=ROOT) as second:
            wait(lambda: run.state in FINAL, what="the run to end")
            second.kill()
    site.settle()

    assert (run.state, run.attempts, site.starts(run.id)) == (RunState.SUCCEEDED, 1, 1)
    assert site.jobs() == [f"kf-{run.id}:1|COMPLETED"]
    check_books_equal_accounting(site)


def test_of_eight_agents_one_works_whatever_their_homes_are(site: Site, tmp_path: Path) -> None:
    runs = [site.request_run(name, "steps 10", devices=1) for name in "abc"]
    homes = [site.home] * 4 + [tmp_path / f"home-{number}" for number in range(4)]
    for home in homes[4:]:
        shutil.copytree(site.home, home)
    with door(site.portal) as port, ExitStack() as stack:
        agents = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", AGENT, str(home), str(port)], env=site.environment, cwd=ROOT,
                    stderr=subprocess.PIPE, text=True,
                )
            )
            for home in homes
        ]  # fmt: skip
        wait(lambda: sum(agent.poll() is None for agent in agents) == 1, what="seven agents to give way")
        wait(lambda: all(run.state in FINAL for run in runs), what="the runs to end")
        (worker,) = [agent for agent in agents if agent.poll() is None]
        worker.kill()
        said = [agent.communicate()[1] for agent in agents if agent is not worker]

    assert all("another site agent works" in words for words in said)
    assert [run.state for run in runs] == [RunState.SUCCEEDED] * 3
    assert site.jobs() == [f"kf-{run.id}:1|COMPLETED" for run in runs]


def test_run_beyond_the_budget_is_refused_and_a_job_by_hand_is_held(site: Site) -> None:
    site.allocation["budget_gpu_seconds"] = site.portal.budget = 120
    run = site.request_run("a", "steps 1", time_limit_seconds=600)
    site.work_until(lambda: run.state in FINAL)

    words = ("sbatch", "--parsable", "-A", site.account, "--gres=gpu:1", "--output=/dev/null")
    number = site.cluster.run(*words, "-t", "10", "--wrap=true").stdout.strip()
    waiting = ("squeue", "--noheader", f"--jobs={number}", "--format=%r")
    wait(lambda: site.slurm.read(*waiting) == ["AssocGrpGRESMinutes"], what="the job to be held")
    fits = site.cluster.run(*words, "-t", "1", "--wrap=sleep 1").stdout.strip()
    by_hand = lambda: [job for job in site.accounted() if job.job_id == fits and job.ended_at]  # noqa: E731
    site.work_until(lambda: bool(by_hand()))

    assert run.state is RunState.REFUSED
    assert [(job.key, job.state, job.account) for job in by_hand()] == [("", "COMPLETED", site.account)]


def test_paused_allocation_takes_no_job_until_it_is_open_again(site: Site) -> None:
    site.allocation["state"] = "paused"
    with site.agent() as agent:
        agent.step()
        submit = ("sbatch", "--parsable", "-A", site.account, "--gres=gpu:1", "-t", "1", "--output=/dev/null")
        refused = site.cluster.run(*submit, "--wrap=true", check=False)
        site.allocation["state"] = "open"
        agent.step()
        taken = site.cluster.run(*submit, "--wrap=true", check=False)

    assert (refused.returncode, taken.returncode) == (1, 0)
    assert "AssocGrpSubmitJobsLimit" in refused.stderr


def test_attempt_that_the_controller_lost_is_followed_by_another(site: Site, tmp_path: Path) -> None:
    site.work_until(lambda: site.allocation["state"] == "open")  # the account is made before the crash
    site.cluster.restart("slurmctld")
    saved = shutil.copytree(site.cluster.folder / "state", tmp_path / "ctld")  # what the controller will fall back to
    run = site.request_run("a", "steps 3 hang", time_limit_seconds=600)
    begun = site.home / "runs" / run.id / "begun"
    site.work_until(begun.exists)
    words = ("sacct", "-nPX", "-A", site.account, "-o", "State")
    wait(lambda: "RUNNING" in site.cluster.run(*words, check=False).stdout, what="the start in accounting")
    site.cluster.kill("slurmctld")
    shutil.rmtree(site.cluster.folder / "state")
    shutil.copytree(saved, site.cluster.folder / "state")
    site.cluster.restart("slurmctld")
    begun.unlink()

    codes: set[str] = set()

    def second_runs() -> bool:
        codes.update(site.codes())
        return run.attempts == 2 and begun.exists()

    site.work_until(second_runs)
    run.wanted = "stop"
    site.work_until(lambda: run.state in FINAL)
    site.settle()
    both = {f"{run.id}:1", f"{run.id}:2"}
    site.work_until(lambda: {job.key for job in site.accounted()} >= both)

    states = {job.key: job.state for job in site.accounted()}
    assert run.state is RunState.CANCELLED
    assert (run.attempts, set(states)) == (2, both)
    assert states[f"{run.id}:1"] == RUNAWAY
    assert site.portal.open_reservations == set()
    assert codes == {"site.attempt-lost", "site.runaway-job"}

    (lost,) = [job for job in site.accounted() if job.state == RUNAWAY]
    site.cluster.run("sacctmgr", "-i", "show", "runawayjobs")  # asks whether to fix them, and hears yes
    site.portal.silent_jobs = [lost.job_id]  # as the real one says after an hour
    site.work_until(lambda: all(job.ended_at for job in site.accounted()))

    states = {job.key: job.state for job in site.accounted()}
    assert states[f"{run.id}:1"] not in {RUNAWAY, "RUNNING"}
    assert "site.runaway-job" not in site.codes()


def test_full_disk_in_a_run_folder_is_a_finding(site: Site) -> None:
    runs = site.home / "runs"
    run = site.request_run("a", "steps 2")
    runs.mkdir(parents=True)
    (runs / run.id).symlink_to("/dev/full")  # the nearest thing to a full disk that needs no disk
    with site.agent() as agent:
        report = agent.step()
        assert len(report.troubles) == 1
        assert "site.trouble" in site.codes()
        (runs / run.id).unlink()
    site.work_until(lambda: run.state in FINAL)

    assert run.state is RunState.SUCCEEDED
    assert "site.trouble" not in site.codes()


def test_portal_outage_costs_nothing(site: Site) -> None:
    run = site.request_run("a", "steps 30")
    site.work_until(lambda: run.state is RunState.RUNNING)

    def refuse(request: object) -> None:
        import httpx

        raise httpx.ConnectError("away")

    site.portal.before = refuse
    with site.agent() as agent:
        stop = threading.Event()
        thread = threading.Thread(target=agent.loop, args=(stop,))
        thread.start()
        listing = ("squeue", "--noheader", f"--account={site.account}")
        wait(lambda: not site.slurm.read(*listing), what="the job to end while the portal is away")
        stop.set()
        thread.join()
    assert run.state is RunState.RUNNING
    site.portal.before = lambda request: None
    site.work_until(lambda: run.state in FINAL)
    site.settle()

    assert (run.state, sorted(run.events)) == (RunState.SUCCEEDED, list(range(1, 31)))
    check_books_equal_accounting(site)


def test_second_agent_of_a_home_gives_way(site: Site) -> None:
    with site.agent(), pytest.raises(Conflict, match="another site agent works"):
        site.agent()
