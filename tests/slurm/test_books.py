"""The books of the real portal against a real cluster's accounting: 200 mixed jobs, two runs, a difference of 0 s."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.portal.compute import factories
from tests.portal.people.factories import make_token
from tests.slurm.patience import wait
from tests.slurm.private_cluster import PrivateCluster
from tests.slurm.test_accounting import REQUEUES_ITSELF, gpu_seconds_by_database, is_quiet, wait_for_rest
from tests.slurm.test_agent import walk_as_a_job

from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.digests import digest_listing
from kifabrik.ledger.invariants import check_invariants
from kifabrik.portal.compute.queries.accounting import cluster_account
from kifabrik.portal.compute.queries.budgets import balance_of, read_transfers
from kifabrik.portal.compute.queries.reconciliation import reconcile_allocation
from kifabrik.portal.compute.services import runs
from kifabrik.portal.people.permissions import Scope
from kifabrik.records.run_state import FINAL
from kifabrik.site.agent import Agent
from kifabrik.site.assembly import build_agent
from kifabrik.site.client import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = "test-cluster"


@pytest.fixture
def place() -> factories.Place:
    factories.make_site(SYSTEM, system_code=SYSTEM, unit="GPU", devices=8)
    return factories.make_place(code=SYSTEM, gpu_seconds=40 * 3600, now=datetime.now(UTC), starts_on=today())


@pytest.fixture
def agent(
    live_server, place: factories.Place, cluster: PrivateCluster, profile: SiteProfile, tmp_path: Path, monkeypatch
) -> Iterator[Agent]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "site.yaml").write_text(
        f"executor: slurm\ncluster: {profile.cluster}\nnodes_max: 2\ndevices_per_node: 4\nwarning_seconds: 20\n"
    )
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    token = make_token(place.operator, scopes=[Scope.SITE], site_code=SYSTEM)
    with (
        PortalClient(live_server.url, token) as client,
        build_agent(client, home=home, command=walk_as_a_job) as agent,
    ):
        yield agent


def today():
    return datetime.now(UTC).date()


def request_run(place: factories.Place, behaviour: str):
    inputs = factories.make_inputs(place.organisation, place.manager, data=behaviour.encode())
    inputs = [{**entry, "path": "behaviour"} for entry in inputs]
    dataset = digest_listing({entry["path"]: entry["digest"] for entry in inputs})
    return runs.start(
        by=place.manager,
        allocation=place.allocation,
        recipe=factories.make_recipe(dataset=dataset),
        dataset_digest=dataset,
        inputs=inputs,
        estimate=factories.make_estimate(gpu_seconds=300, time_limit_seconds=600),
        now=datetime.now(UTC),
    )


def test_books_and_accounting_agree_to_the_second(
    place: factories.Place, agent: Agent, cluster: PrivateCluster, slurm: Slurm
) -> None:
    account = cluster_account(place.allocation.pk)
    agent.step()
    cluster.run("sacctmgr", "-iQ", "add", "user", cluster.user, f"account={account}", check=False)

    def submit(work: str, *options: str) -> None:
        words = ("sbatch", "--parsable", f"--account={account}", "--gres=gpu:1", "--time=2", "--output=/dev/null")
        cluster.run(*words, *options, f"--wrap={work}")

    wanted = [request_run(place, "steps 3"), request_run(place, "steps 3 once-killed")]
    submit("sleep $((SLURM_ARRAY_TASK_ID % 2))", "--array=1-150")
    submit("exit 3", "--array=1-20")
    submit("kill -9 $$", "--array=1-24")
    submit(REQUEUES_ITSELF, "--requeue", "--array=1-6")
    submit("sleep 300", "--array=1-4", "--job-name=long")
    is_over = is_quiet(cluster, account)

    def work() -> bool:
        agent.step()
        for run in wanted:
            run.refresh_from_db()
        long = cluster.run("squeue", "-h", "-t", "running", "-n", "long", f"--account={account}", "-o", "%A").stdout
        if long.split():
            cluster.run("scancel", *long.split(), check=False)
        return is_over() and all(run.state in FINAL for run in wanted)

    wait(work, what="runs and jobs to end")
    wait_for_rest(cluster, slurm, account)
    expected = gpu_seconds_by_database(cluster, account)

    def is_caught_up() -> bool:
        return not agent.step().troubles and balance_of(place.allocation.pk).consumed == sum(expected.values())

    wait(is_caught_up, what="the books to catch up with accounting")
    found = reconcile_allocation(place.allocation)
    assert [run.state for run in wanted] == ["succeeded", "succeeded"]
    assert place.allocation.jobs.count() >= 200
    assert found.accounted == found.booked == sum(expected.values())
    assert all(line.seconds == 0 for line in found.lines), found
    assert balance_of(place.allocation.pk).reserved == 0
    assert check_invariants(read_transfers(place.allocation.pk)) == ()
