"""`kifabrik dataset check --slurm` on the private cluster: an array makes the parts, one more job finishes."""

import random
import time
from pathlib import Path

import pytest
import yaml
from tests.slurm.private_cluster import PrivateCluster
from typer.testing import CliRunner

from kifabrik.cli.dataset import app
from kifabrik.datasets.folder import read_card, verify

pytestmark = pytest.mark.slurm
LIMIT_SECONDS = 240.0


def test_a_cluster_checks_a_dataset(cluster: PrivateCluster, account: str, tmp_path: Path, monkeypatch) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    rng = random.Random(3)
    (tmp_path / "texts").mkdir()
    for number in range(40):
        words = " ".join(f"word{rng.randrange(900)}" for _ in range(60))
        (tmp_path / "texts" / f"{number}.txt").write_text(f"{words} Write to person{number}@firm.eu.")
    profile = {"executor": "slurm", "cluster": cluster.name, "devices_per_node": 4, "nodes_max": 2}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(profile))
    out = tmp_path / "out"

    result = CliRunner().invoke(
        app,
        [
            *("check", str(tmp_path / "texts"), "--out", str(out), "--action", "pseudonym"),
            *("--slurm", str(tmp_path / "site.yaml"), "--slurm-account", account),
        ],
    )

    assert result.exit_code == 0, result.stderr
    limit = time.monotonic() + LIMIT_SECONDS
    while not out.exists():
        logs = "\n".join(path.read_text() for path in tmp_path.glob(".out.parts/jobs/*/*.log"))
        assert time.monotonic() < limit, logs
        time.sleep(0.2)
    verify(out)
    card = read_card(out)
    assert (card.documents_kept, card.redaction.replaced) == (40, {"email": 40})
