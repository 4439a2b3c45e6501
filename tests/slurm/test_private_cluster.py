"""The test cluster itself: that it is real, and that killing and restarting its parts works."""

from pathlib import Path

from tests.slurm.patience import wait
from tests.slurm.private_cluster import DAEMONS, NODES, PrivateCluster


def test_job_sees_its_devices_and_is_accounted(cluster: PrivateCluster, account: str, tmp_path: Path) -> None:
    script = "#!/bin/sh\necho $CUDA_VISIBLE_DEVICES"
    words = ("sbatch", "--wait", "--parsable", f"--account={account}", "--gres=gpu:2", f"--output={tmp_path / 'out'}")
    number = cluster.run(*words, stdin=script).stdout.strip()

    assert len((tmp_path / "out").read_text().strip().split(",")) == 2
    asked = ("sacct", "-XnP", "-j", number, "-o", "state,account,alloctres")
    wait(lambda: cluster.run(*asked).stdout.startswith("COMPLETED"), what="accounting")
    row = cluster.run(*asked).stdout.strip().split("|")
    assert row[1] == account
    assert "gres/gpu=2" in row[2].split(",")


def test_every_daemon_can_be_killed_and_comes_back(cluster: PrivateCluster) -> None:
    for daemon in DAEMONS[2:]:
        cluster.kill(daemon)
        assert not cluster.is_running(daemon)
        cluster.restart(daemon)
        assert cluster.is_running(daemon)
    wait(lambda: cluster.run("sinfo", "-h", "-N", "-o", "%N").stdout.split() == sorted(NODES), what="nodes")


def test_two_clusters_stand_beside_each_other_and_leave_nothing(cluster: PrivateCluster, tmp_path: Path) -> None:
    with PrivateCluster(tmp_path / "other", tied=True) as other:
        assert other.name != cluster.name
        other.run("sbatch", "--account=spare", "--wrap=sleep 300")
    assert not (tmp_path / "other").exists()
    assert not other.sockets.exists()
    assert "is UP" in cluster.run("scontrol", "ping").stdout
