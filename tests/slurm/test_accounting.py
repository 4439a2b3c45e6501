"""What accounting says, on a real Slurm: every second once, over requeues, arrays, cancels, kills and crashes."""

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.portal import FakePortal
from tests.slurm.patience import wait
from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.slurm.accounting import RUNAWAY
from kifabrik.cluster.slurm.accounting_import import Accounting, look_at_controller
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import Unavailable
from kifabrik.records import AccountedJob
from kifabrik.site.accounting import AccountingImport
from kifabrik.site.client import PortalClient
from kifabrik.site.notices import Notices

HOSTILE = "a|b\n999999|root|RUNNING\x1f;$(reboot)`reboot`'\"%j ü"
REQUEUES_ITSELF = 'if [ -z "$SLURM_RESTART_COUNT" ]; then scontrol requeue $SLURM_JOB_ID; sleep 60; fi; sleep 0.3'


@pytest.fixture
def accounting(slurm: Slurm, profile: SiteProfile, cluster: PrivateCluster) -> Accounting:
    return Accounting(slurm, cluster=profile.cluster, tres=profile.tres, user=cluster.user)


@pytest.fixture
def submit(cluster: PrivateCluster, account: str) -> Callable[..., str]:
    def submit(work: str, *options: str, gpus: int = 1) -> str:
        words = ("sbatch", "--parsable", f"--account={account}", f"--gres=gpu:{gpus}", "--time=5", "--output=/dev/null")
        return cluster.run(*words, *options, f"--wrap={work}").stdout.strip()

    return submit


def is_quiet(cluster: PrivateCluster, account: str) -> Callable[[], bool]:
    def is_quiet() -> bool:
        asked = cluster.run("squeue", "-h", f"--account={account}", check=False)
        return asked.returncode == 0 and not asked.stdout.strip()

    return is_quiet


def wait_for_rest(cluster: PrivateCluster, slurm: Slurm, account: str) -> None:
    """Wait for the end of all jobs, and until accounting has all that the controller still remembers."""
    wait(is_quiet(cluster, account), what="the jobs to end")
    wait(lambda: look_at_controller(slurm).undelivered == 0, what="accounting to hear of them")
    over = "--states=COMPLETED,FAILED,TIMEOUT,NODE_FAIL"  # what was cancelled at once never gets into accounting
    ended = set(slurm.read("squeue", "--noheader", over, f"--account={account}", "--format=%A"))
    words = ("--noheader", "--parsable2", "--allocations", "--format=JobIDRaw", "--starttime=1970-01-02")
    wait(lambda: ended <= set(slurm.read("sacct", *words, f"--accounts={account}")), what="all jobs in accounting")


def gpu_seconds_by_database(cluster: PrivateCluster, account: str) -> dict[int, int]:
    """Add up what the database holds, by a way that has nothing in common with ours: SQL, not sacct."""
    query = (
        "select j.id_job, sum((j.time_end - j.time_start) * "
        f"cast(regexp_replace(j.tres_alloc, '.*(^|,){gpu_number(cluster)}=([0-9]+).*', '\\\\2') as unsigned)) "
        f"from `{cluster.name}_job_table` j where j.account = '{account}' and j.time_start > 0 and j.time_end > 0 "
        f"and concat(',', j.tres_alloc) like '%,{gpu_number(cluster)}=%' group by j.id_job"
    )
    return {int(number): int(seconds) for number, seconds in map(str.split, ask_database(cluster, query))}


def gpu_number(cluster: PrivateCluster) -> int:
    return int(ask_database(cluster, "select id from tres_table where type = 'gres' and name = 'gpu'")[0])


def ask_database(cluster: PrivateCluster, query: str) -> list[str]:
    options = (
        "--no-defaults",
        f"--socket={cluster.sockets / 'mysql'}",
        "--user=root",
        "--skip-column-names",
        "--batch",
    )
    return cluster.run("mariadb", *options, "slurm_acct_db", "--execute", query).stdout.splitlines()


def by_number(jobs: Mapping[object, AccountedJob]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for job in jobs.values():
        sums[int(job.job_id)] = sums.get(int(job.job_id), 0) + job.gpu_seconds
    return {number: seconds for number, seconds in sums.items() if seconds}


def make_import(portal: FakePortal, accounting: Accounting, profile: SiteProfile) -> AccountingImport:
    client = PortalClient("http://127.0.0.1", "secret", portal.transport(), pause=lambda seconds: None)
    return AccountingImport(
        client=client, accounting=accounting, profile=profile, notices=Notices(client), interim_seconds=0.0
    )


def test_two_hundred_mixed_jobs_are_accounted_to_the_second(
    cluster: PrivateCluster, slurm: Slurm, profile: SiteProfile, accounting: Accounting, account: str, submit
) -> None:
    portal = FakePortal()
    prefixed = profile.model_copy(update={"account_prefix": account[:8]})
    imports = make_import(portal, accounting, prefixed)

    def look(imports: AccountingImport) -> None:
        imports.look(look_at_controller(slurm), accounts=[account], accounting_since=portal.accounted_until)

    look(imports)
    for number in range(8):
        submit(REQUEUES_ITSELF, "--requeue", f"--job-name={HOSTILE}{number}", gpus=1 + number % 3)
    submit("sleep $((SLURM_ARRAY_TASK_ID % 2))", "--array=1-140")
    submit("exit 3", "--array=1-20", gpus=2)
    submit("kill -9 $$", "--array=1-20")
    submit(REQUEUES_ITSELF, "--requeue", "--array=1-6", gpus=2)
    held = [submit("true", "--hold") for _ in range(10)]
    long = [submit("sleep 300", f"--job-name={HOSTILE}", gpus=1 + number % 2) for number in range(16)]
    cluster.run("scancel", *held)
    is_over = is_quiet(cluster, account)

    def progress() -> bool:
        running = cluster.run("squeue", "-h", "-t", "running", f"--account={account}", "-o", "%A").stdout.split()
        if ended := sorted(set(running) & set(long)):
            cluster.run("scancel", *ended, check=False)
        look(imports)
        return is_over()

    wait(progress, what="200 jobs to end")
    wait_for_rest(cluster, slurm, account)
    look(imports)

    expected = gpu_seconds_by_database(cluster, account)
    jobs = {(job.job_id, job.submitted_at): job for job in accounting.read([account])}
    restarted = [job for job in jobs.values() if job.restarts]
    assert len(jobs) >= 200
    assert len(restarted) >= 10  # Slurm keeps no row of a start that is put back within a moment
    assert {job.state for job in jobs.values()} >= {"COMPLETED", "CANCELLED", "FAILED"}
    assert all(job.ended_at for job in jobs.values())
    assert sum(expected.values()) >= 50
    assert by_number(jobs) == {number: seconds for number, seconds in expected.items() if seconds}
    assert by_number(portal.accounted) == by_number(jobs)
    assert imports.totals.get(account, 0) <= sum(expected.values())
    imports.refresh_totals([account], is_full=True)
    assert imports.totals[account] == sum(expected.values())

    resumed = make_import(portal, accounting, prefixed)  # an agent that was killed knows only the portal's cursor
    look(resumed)
    assert by_number(portal.accounted) == by_number(jobs)

    afresh = FakePortal()
    make_import(afresh, accounting, prefixed).look(look_at_controller(slurm), accounts=[account], accounting_since=None)
    assert afresh.accounted == portal.accounted


def test_job_whose_number_came_again_after_a_crash_is_another_job(
    cluster: PrivateCluster, slurm: Slurm, accounting: Accounting, account: str, submit, tmp_path: Path
) -> None:
    cluster.restart("slurmctld")
    saved = shutil.copytree(cluster.folder / "state", tmp_path / "state")  # what the controller will fall back to
    number = submit("sleep 20", "--nodelist=n1", "--job-name=same", gpus=3)
    states = ("sacct", "-nPX", "-j", number, "-A", account, "-o", "State")
    wait(lambda: "RUNNING" in cluster.run(*states, check=False).stdout, what="the start in accounting")
    cluster.kill("slurmctld")
    shutil.rmtree(cluster.folder / "state")
    shutil.copytree(saved, cluster.folder / "state")
    cluster.restart("slurmctld")
    lost = list(accounting.read([account]))

    again = submit("sleep 1", "--nodelist=n2", "--job-name=same", gpus=2)
    everything = ("sacct", "-nPXD", "-j", number, "-A", account, "-o", "State")
    wait(lambda: "COMPLETED" in cluster.run(*everything, check=False).stdout, what="the second job in accounting")
    jobs = sorted(accounting.read([account]), key=lambda job: job.submitted_at)

    assert again == number
    assert [(job.job_id, job.state, job.gpu_seconds) for job in lost] == [(number, RUNAWAY, 0)]
    assert [job.state for job in jobs] == [RUNAWAY, "COMPLETED"]
    assert jobs[0].submitted_at < jobs[1].submitted_at
    assert sum(job.gpu_seconds for job in jobs) == gpu_seconds_by_database(cluster, account)[int(number)]


def test_job_of_a_failed_node_starts_again_and_is_one_job(
    cluster: PrivateCluster, slurm: Slurm, accounting: Accounting, account: str, submit
) -> None:
    number = submit('if [ -z "$SLURM_RESTART_COUNT" ]; then sleep 100; fi', "--requeue", "--nodelist=n2", gpus=2)
    running = ("squeue", "-h", "-t", "running", "-j", number, "-o", "%A")
    wait(lambda: number in cluster.run(*running, check=False).stdout.split(), what="the job to run")
    cluster.run("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    cluster.run("scontrol", "update", "nodename=n2", "state=resume", check=False)
    wait_for_rest(cluster, slurm, account)

    (job,) = accounting.read([account])

    assert (job.state, job.restarts, job.exit_code) == ("COMPLETED", 1, 0)
    assert {int(number): job.gpu_seconds} == gpu_seconds_by_database(cluster, account)


def test_silent_accounting_is_unavailable_and_catches_up(
    cluster: PrivateCluster, slurm: Slurm, profile: SiteProfile, accounting: Accounting, account: str, submit
) -> None:
    portal = FakePortal()
    imports = make_import(portal, accounting, profile.model_copy(update={"account_prefix": account[:8]}))
    imports.look(look_at_controller(slurm), accounts=[account], accounting_since=None)
    cursor = portal.accounted_until
    cluster.kill("slurmdbd")
    try:
        number = submit("sleep 1", gpus=4)
        wait(is_quiet(cluster, account), what="a job while accounting is away")
        with pytest.raises(Unavailable):
            imports.look(look_at_controller(slurm), accounts=[account], accounting_since=None)
        assert look_at_controller(slurm).undelivered > 0
        assert portal.accounted_until == cursor
    finally:
        cluster.restart("slurmdbd")
    wait_for_rest(cluster, slurm, account)

    imports.look(look_at_controller(slurm), accounts=[account], accounting_since=None)

    expected = gpu_seconds_by_database(cluster, account)
    assert expected[int(number)] >= 4
    assert by_number(portal.accounted) == expected


def test_controllers_clock_is_the_only_one(slurm: Slurm) -> None:
    controller = look_at_controller(slurm)

    assert controller.booted.isdigit()
    assert abs((controller.now - datetime.now(UTC)).total_seconds()) < 60
