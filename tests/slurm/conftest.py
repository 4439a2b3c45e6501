"""One private cluster for the whole test run, one account for each test. Without Slurm here all is skipped."""

import re
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.slurm.private_cluster import PrivateCluster, find_missing

from kifabrik.cluster.jobs import JobSpec
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile

HERE = Path(__file__).parent
NUMBERS = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("slurm")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateCluster]:
    """A running cluster; it dies with the test run, however that ends."""
    missing = find_missing()
    if missing:
        pytest.skip(f"Slurm is not installed here: {', '.join(missing)} missing (make test-slurm says what to install)")
    with PrivateCluster(tmp_path_factory.mktemp("slurm"), tied=True) as cluster:
        yield cluster


@pytest.fixture
def account(cluster: PrivateCluster, request: pytest.FixtureRequest) -> str:
    """The name of a cluster account for one test alone, with the test's user in it and no limit."""
    words = re.sub("[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))
    return cluster.add_account(f"{words[:34].strip('-')}-{next(NUMBERS)}")


@pytest.fixture
def profile(cluster: PrivateCluster) -> SiteProfile:
    """The site profile of the private cluster."""
    return SiteProfile(
        executor="slurm",
        cluster=cluster.name,
        devices_per_node=4,
        nodes_max=2,
        master_address="node-address",  # its nodes' names are not known to this machine
        warning_seconds=20,
    )


@pytest.fixture
def slurm(cluster: PrivateCluster) -> Slurm:
    return Slurm(environment=cluster.environment)


@pytest.fixture
def executor(profile: SiteProfile, slurm: Slurm, account: str, tmp_path: Path) -> Iterator[SlurmExecutor]:
    """An executor with a state folder of its own; whatever jobs the test's account still has are ended after it."""
    yield SlurmExecutor(profile, state_folder=tmp_path / "state", slurm=slurm)
    slurm.write("scancel", f"--account={account}")


@pytest.fixture
def job(account: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., JobSpec]:
    """Make a job: its work is Python code, or the words of `command`. Names are those of this test alone."""
    unique = f"{account[:30]}-{tmp_path.name[-8:]}"

    def make(name: str, code: str = "", *, attempt: int = 1, **changes: object) -> JobSpec:
        run_id = f"{name}-{unique}"
        values = {
            "key": f"{run_id}:{attempt}",
            "run_id": run_id,
            "attempt": attempt,
            "command": (sys.executable, "-c", code),
            "folder": tmp_path / name,
            "devices": 1,
            "time_limit_seconds": 600,
            "grace_seconds": 2,
            "account": account,
            "environment": {"PYTHONPATH": str(HERE.parents[1])},
        }
        return JobSpec(**{**values, **changes})  # type: ignore[arg-type]

    return make
