"""`kifabrik site doctor --with-job` on a real cluster: what a compute node can do, and what not, in plain words."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.portal import FakePortal
from tests.site.test_agent_killed import door
from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.slurm.profile import SiteProfile

ROOT = Path(__file__).parents[2]


class Doctor:
    """A site's home folder on the private cluster, and the command that looks at it."""

    def __init__(self, cluster: PrivateCluster, home: Path, port: int) -> None:
        self.cluster, self.home, self.port = cluster, home, port
        home.mkdir(mode=0o700)
        (home / "token").touch(mode=0o600)
        (home / "token").write_text("secret")

    def write_profile(self, **changes: object) -> None:
        facts = {"executor": "slurm", "cluster": self.cluster.name, "devices_per_node": 4, **changes}
        SiteProfile.model_validate(facts)
        (self.home / "site.yaml").write_text(json.dumps(facts))

    def examine(self) -> dict[str, dict[str, str]]:
        """Run the command; findings by their code."""
        words = ["site", "doctor", "--portal", f"http://127.0.0.1:{self.port}", "--home", str(self.home)]
        done = subprocess.run(
            [sys.executable, "-m", "kifabrik", *words, "--with-job", "--json"],
            env={**os.environ, **self.cluster.environment, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return {finding["code"]: finding for finding in json.loads(done.stdout)["findings"]}


@pytest.fixture
def doctor(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Doctor]:
    with door(FakePortal()) as port:
        yield Doctor(cluster, tmp_path / "home", port)


def test_a_compute_node_runs_kifabrik(doctor: Doctor, cluster: PrivateCluster, account: str) -> None:
    doctor.write_profile(parent_account=account)

    found = doctor.examine()["site.node"]

    assert (found["severity"], found["message"]) == (
        "info",
        "A compute node runs Kifabrik and writes in the home folder.",
    )


def test_a_python_that_is_not_on_the_node_keeps_the_site_from_working(doctor: Doctor, account: str) -> None:
    doctor.write_profile(parent_account=account, python="/nowhere/python")

    found = doctor.examine()["site.node"]

    assert found["severity"] == "blocking"
    assert "/nowhere/python" in found["message"]
    assert "'python' and 'prelude'" in found["remedy"]


def test_a_python_without_kifabrik_is_told_by_the_module_that_is_missing(doctor: Doctor, account: str) -> None:
    plain = str(Path(sys.base_prefix) / "bin" / "python3")
    doctor.write_profile(parent_account=account, python=plain, prelude=["unset PYTHONPATH"])

    found = doctor.examine()["site.node"]

    assert found["severity"] == "blocking"
    assert "No module named 'kifabrik'" in found["message"]


def test_an_account_that_is_not_there_yet_is_no_fault_of_the_node(doctor: Doctor) -> None:
    doctor.write_profile(parent_account="nobody-made-it")

    found = doctor.examine()["site.node"]

    assert found["severity"] == "serious"
    assert "first round" in found["remedy"]


def test_the_profiles_own_lines_come_first(doctor: Doctor, account: str, tmp_path: Path) -> None:
    doctor.write_profile(
        parent_account=account, prelude=[f'echo "$WORD" > {tmp_path}/seen'], environment={"WORD": "a b"}
    )

    assert doctor.examine()["site.node"]["severity"] == "info"
    assert (tmp_path / "seen").read_text() == "a b\n"
