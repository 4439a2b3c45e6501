"""One private cluster for the whole test run, one account for each test. Without Slurm here all is skipped."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slurm.private_cluster import PrivateCluster, find_missing

HERE = Path(__file__).parent


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
    return cluster.add_account(re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-"))
