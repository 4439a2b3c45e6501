"""Measures a long history and many accounts on a private real Slurm; the bare command runs in the same minutes.

    .venv/bin/python -m benchmarks.slurm_accounting [--jobs 100000] [--allocations 10000]

History: jobs are written into the cluster's database, then the agent's first import of all of them is timed beside
`sacct -P` with the same fields; the portal is one in memory that takes every row. Accounts: one for each allocation is
made, then rounds of an agent are timed in which nothing changed.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
from tests.fakes.portal import FakePortal
from tests.slurm import private_cluster
from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.slurm.accounting import FIELDS
from kifabrik.cluster.slurm.accounting_import import Accounting, look_at_controller
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.site.accounting import AccountingImport
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient
from kifabrik.site.notices import Notices
from kifabrik.site.slurm_rounds import SlurmRounds

REPEATS = 3
ACCOUNTS_WITH_JOBS = 10
ROUNDS = 10
REQUEUED = 1024  # Slurm's JOB_REQUEUE, as the database keeps it


class NoPortal:
    """Takes all rows, as JSON over the client, and keeps their number and sum only."""

    def __init__(self) -> None:
        self.rows = self.gpu_seconds = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        rows = orjson.loads(request.read())["rows"]
        self.rows += len(rows)
        self.gpu_seconds += sum(row["gpu_seconds"] for row in rows)
        return httpx.Response(200, json={})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--allocations", type=int, default=10_000)
    parser.add_argument("--import-into", metavar="CONF CLUSTER", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.import_into:
        import_once(*asked.import_into)
        return
    with tempfile.TemporaryDirectory(prefix="kifabrik-bench-") as folder, PrivateCluster(Path(folder) / "c") as cluster:
        slurm = Slurm(environment=cluster.environment)
        if asked.jobs:
            measure_history(cluster, jobs=asked.jobs)
        private_cluster.PATIENCE_SECONDS = 300.0  # slurmctld takes its time to load many associations
        if asked.allocations:
            measure_accounts(cluster, slurm, Path(folder), allocations=asked.allocations)


def measure_history(cluster: PrivateCluster, *, jobs: int) -> None:
    for number in range(ACCOUNTS_WITH_JOBS):
        cluster.add_account(f"kf-{number}")
    seconds = insert_jobs(cluster, jobs=jobs)
    print(f"{jobs} jobs written into the database, {seconds} GPU seconds")
    bare = ["sacct", "-a", "-X", "-D", "-P", "-n", "--noconvert", "-S", "1970-01-02", f"--format={','.join(FIELDS)}"]
    ours = [sys.executable, "-m", "benchmarks.slurm_accounting", "--import-into", cluster.environment["SLURM_CONF"],
        cluster.name]  # fmt: skip
    environment = {**cluster.environment, "HOME": str(cluster.folder)}
    bare_seconds, our_seconds = [], []
    for _ in range(REPEATS):
        bare_seconds.append(timed(lambda: run(bare, environment, to_file=True)))
        our_seconds.append(timed(lambda: print("  " + run(ours, environment).strip())))
    print(f"bare sacct -P: median {statistics.median(bare_seconds):.2f} s of {rounded(bare_seconds)}")
    print(f"whole import, Python included: median {statistics.median(our_seconds):.2f} s of {rounded(our_seconds)}")
    print(f"ratio of the medians: {statistics.median(our_seconds) / statistics.median(bare_seconds):.2f}")


def insert_jobs(cluster: PrivateCluster, *, jobs: int) -> int:
    """Write ended jobs: every tenth was requeued once, so that it has two rows; returns their GPU seconds."""
    query = (
        f"insert into `{cluster.name}_job_table` (account, cpus_req, job_name, id_assoc, id_job, id_qos, id_resv, "
        "id_wckey, id_user, id_group, het_job_id, het_job_offset, state_reason_prev, nodelist, nodes_alloc, "
        "`partition`, priority, state, timelimit, time_submit, time_eligible, time_start, time_end, tres_alloc, "
        "tres_req) select a.acct, 4, concat('kf-run-', s.seq, ':1'), a.id_assoc, s.seq + 1000000, 1, 0, 0, 0, 0, 0, "
        "4294967294, 0, 'n1', 1, 'main', 1, {state}, 60, {begin}, {begin}, {begin} + 5, "
        "{begin} + 5 + s.seq % 3600, concat('1=4,2=100,4=1,5=4,', (select id from tres_table where type='gres' "
        f"and name='gpu'), '=', 1 + s.seq % 4), '1=4' from seq_1_to_{jobs} s join `{cluster.name}_assoc_table` a "
        f"on a.acct = concat('kf-', s.seq % {ACCOUNTS_WITH_JOBS}) and a.user = '{cluster.user}' where {{which}}"
    )
    now = int(time.time())
    ask_database(cluster, query.format(state=3, begin=f"{now - 90 * 86400} + s.seq * 60", which="true"))
    ask_database(
        cluster, query.format(state=REQUEUED, begin=f"{now - 90 * 86400} + s.seq * 60 - 4000", which="s.seq % 10 = 0")
    )
    return sum((1 + n % 4) * (n % 3600) * (2 if n % 10 == 0 else 1) for n in range(1, jobs + 1))


def import_once(conf: str, cluster: str) -> None:
    """Import everything in a process of its own, so that its memory is its own."""
    slurm = Slurm(environment={"SLURM_CONF": conf})
    profile = SiteProfile(executor="slurm", cluster=cluster)
    portal = NoPortal()
    client = PortalClient("http://127.0.0.1", "secret", httpx.MockTransport(portal.handle))
    accounting = Accounting(slurm, cluster=cluster, tres=profile.tres, user="root")
    imports = AccountingImport(client=client, accounting=accounting, profile=profile, notices=Notices(client))
    begin = time.monotonic()
    names = [f"kf-{number}" for number in range(ACCOUNTS_WITH_JOBS)]
    imports.look(look_at_controller(slurm), accounts=names, accounting_since=None)
    seconds = time.monotonic() - begin
    processor = time.process_time()
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        f"import alone {seconds:.2f} s ({processor:.2f} s of a core in Python, its start included), "
        f"{portal.rows} jobs, {portal.gpu_seconds} GPU seconds, "
        f"peak memory {own / 1024:.0f} MB, of its sacct {children / 1024:.0f} MB"
    )


def measure_accounts(cluster: PrivateCluster, slurm: Slurm, folder: Path, *, allocations: int) -> None:
    portal = FakePortal(budget_gpu_seconds=36_000)
    for number in range(allocations):
        portal.open_allocation(f"kf-alloc-{number:05}")
    insert_accounts(cluster, allocations=allocations)
    client = PortalClient("http://127.0.0.1", "secret", portal.transport())
    profile = SiteProfile(executor="slurm", cluster=cluster.name, devices_per_node=4)
    notices = Notices(client)
    rounds = SlurmRounds(client=client, slurm=slurm, profile=profile, agent_user=cluster.user, notices=notices)
    executor = SlurmExecutor(profile, state_folder=folder / "jobs", slurm=slurm)
    with Agent(client, executor, folder / "home", lambda: datetime.now(UTC), duty=rounds, notices=notices,
            find_account=rounds.accounts.find) as agent:  # fmt: skip
        first = timed(lambda: print(f"first round: {agent.step()}"))
        print(f"first round, which looks at {allocations} accounts that are as they should be: {first:.1f} s")
        idle = [timed(agent.step) for _ in range(ROUNDS)]
        print(f"idle round: median {statistics.median(idle):.3f} s, most {max(idle):.3f} s")
        looks = []
        for _ in range(REPEATS):
            rounds.look_again()
            looks.append(timed(agent.step))
        print(f"idle round that looks at the cluster (every {rounds.look_seconds:.0f} s): {rounded(looks)}")
        full = []
        for _ in range(REPEATS):
            rounds.look_again(at_everything=True)
            full.append(timed(agent.step))
        print(f"idle round that looks at all accounts (every {rounds.accounts.full_seconds:.0f} s): {rounded(full)}")


def insert_accounts(cluster: PrivateCluster, *, allocations: int) -> None:
    """Write the accounts into the database as the agent would make them; by sacctmgr it takes minutes."""
    table = f"`{cluster.name}_assoc_table`"
    size = 4 * allocations + 2
    gpu = "(select id from tres_table where type='gres' and name='gpu')"
    name = "concat('kf-alloc-', lpad(s.seq, 5, '0'))"
    source = f"from seq_0_to_{allocations - 1} s"
    at, facts = "@end + 4 * s.seq", "creation_time, mod_time, name, description, organization"
    own = "creation_time, mod_time, user, acct, parent_acct, lft, rgt, qos, delta_qos"
    children = f"select 1, 1, '', {name}, 'kifabrik', {at} + 1, {at} + 4, '', '', concat({gpu}, '=600') {source}"
    queries = [
        f"set @end = (select max(rgt) from {table})",
        f"update {table} set rgt = rgt + {size} where acct = 'root' and user = ''",
        f"insert into acct_table ({facts}) values (1, 1, 'kifabrik', 'k', 'k')",
        f"insert into acct_table ({facts}) select 1, 1, {name}, 'allocation', 'kifabrik' {source}",
        f"insert into {table} ({own}) values (1, 1, '', 'kifabrik', 'root', @end, @end + {size - 1}, '', '')",
        f"insert into {table} ({own}, grp_tres_mins) {children}",
        f"insert into {table} ({own}) select 1, 1, '{cluster.user}', {name}, '', {at} + 2, {at} + 3, '', '' {source}",
    ]
    ask_database(cluster, "; ".join(queries))
    cluster.restart("slurmdbd")
    cluster.restart("slurmctld")


def run(words: list[str], environment: dict[str, str], *, to_file: bool = False) -> str:
    if to_file:
        with tempfile.TemporaryFile() as answer:
            subprocess.run(words, env=environment, stdout=answer, check=True)
        return ""
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout


def timed(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def rounded(values: list[float]) -> list[float]:
    return [round(value, 2) for value in values]


def ask_database(cluster: PrivateCluster, query: str) -> None:
    options = ("--no-defaults", f"--socket={cluster.sockets / 'mysql'}", "--user=root")
    cluster.run("mariadb", *options, "slurm_acct_db", "--execute", query)


if __name__ == "__main__":
    main()
