"""A new site: what is written, what is never written over, and what the doctor finds at home and at the portal."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from tests.fakes.portal import FakePortal

from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile, read_profile
from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.core.findings import Severity
from kifabrik.site import doctor, installation
from kifabrik.site.client import PortalClient


class Sinfo:
    """Says what a cluster has."""

    def __init__(self, *rows: str) -> None:
        self.rows = list(rows)

    def configuration(self) -> dict[str, str]:
        return {"ClusterName": "lumi"}

    def read(self, *words: str) -> list[str]:
        return self.rows


GPU = "gpu|10|64|2-00:00:00|gpu:mi250:8(S:0-7)"
SMALL = "debug|2|128|30:00|gpu:mi250:8"
CPU = "cpu|1000|256|infinite|(null)"


def look(*rows: str, partition: str = "") -> installation.Found:
    return installation.look_around(Sinfo(*rows), partition=partition)  # type: ignore[arg-type]


def test_partition_with_most_accelerators_is_chosen_and_the_others_are_named(tmp_path: Path) -> None:
    found = look(CPU, SMALL, GPU)
    (tmp_path / "site.yaml").write_text(installation.profile_text(found))

    profile = read_profile(tmp_path / "site.yaml")

    assert (found.partition, found.others) == ("gpu", ("cpu", "debug"))
    assert (profile.cluster, profile.partition, profile.tres, profile.gres) == ("lumi", "gpu", "gres/gpu", "gpu:mi250")
    assert (profile.devices_per_node, profile.nodes_max, profile.cpus_per_device) == (8, 10, 8)


def test_cluster_without_accelerators_counts_cores(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(installation.profile_text(look(CPU)))

    profile = read_profile(tmp_path / "site.yaml")

    assert (profile.tres, profile.devices_per_node, profile.cpus_per_device) == ("cpu", 256, 1)


def test_every_line_that_is_commented_out_is_a_field_of_the_profile(tmp_path: Path) -> None:
    text = installation.profile_text(look(GPU))
    lines = [line.removeprefix("# ") if line.startswith(("# ", "#  ")) and ":" in line else line for line in
        text.split("\n")]  # fmt: skip
    names = {line.split(":")[0] for line in lines if ":" in line and line[0].islower()}

    assert names & set(SiteProfile.model_fields) >= {"prelude", "launcher", "image", "master_address", "scratch"}
    assert yaml.safe_load(text)["warning_seconds"] == 300


def test_unknown_partition_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cpu, gpu"):
        look(CPU, GPU, partition="nope")
    assert look(CPU, GPU, partition="cpu").partition == "cpu"


@pytest.mark.parametrize("for_user", [True, False])
def test_service_has_no_more_rights_than_its_user(for_user: bool) -> None:
    text = installation.unit_text(
        python="/opt/my python/bin/python", portal="https://p.example/%7Ea", home=Path("/shared/my site"),
        state=Path("/home/k/.local/state/kifabrik"), environment={"PATH": "/opt/slurm/bin:/usr/bin"},
        is_for_user=for_user, user="kifabrik",
    )  # fmt: skip
    lines = text.splitlines()

    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always"} <= set(lines)
    assert 'ReadWritePaths="/shared/my site" /home/k/.local/state/kifabrik' in lines
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    assert start.startswith(
        "ExecStart='/opt/my python/bin/python' -m kifabrik site agent --portal https://p.example/%%7Ea"
    )
    assert start.endswith("--home '/shared/my site'")
    assert ("User=kifabrik" in lines, "CapabilityBoundingSet=" in lines) == (not for_user, not for_user)
    assert "Environment=PATH=/opt/slurm/bin:/usr/bin" in lines


def test_file_of_another_text_is_kept_unless_told_so(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "site.yaml"

    assert installation.write_new(path, "a", replace=False).deed == "written"
    assert installation.write_new(path, "a", replace=False).deed == "unchanged"
    assert (installation.write_new(path, "b", replace=False).deed, path.read_text()) == ("kept", "a")
    assert (installation.write_new(path, "b", replace=True).deed, path.read_text()) == ("replaced", "b")
    assert path.with_name("site.yaml.old").read_text() == "a"


@pytest.fixture
def portal() -> FakePortal:
    return FakePortal()


def examine(
    portal: FakePortal, home: Path, *, token: str = "secret", profile: SiteProfile | None = None, **changes: object
) -> dict[str, Severity]:
    client = PortalClient("http://127.0.0.1", token, portal.transport(), pause=lambda seconds: None, tries=1)
    facts = {"home": home, "user": "kifabrik", "slurm": Slurm(), "client": client,
        "now": lambda: datetime(2026, 11, 24, 12, tzinfo=UTC)}  # fmt: skip
    findings = doctor.examine(profile or SiteProfile(), **{**facts, **changes})  # type: ignore[arg-type]
    return {finding.code: finding.severity for finding in findings}


def test_site_in_order(portal: FakePortal, tmp_path: Path) -> None:
    found = examine(portal, tmp_path, site_code="laptop")

    assert (found["site.token"], found["site.disk"]) == (Severity.INFO, Severity.INFO)
    assert Severity.BLOCKING not in found.values()


def test_token_that_is_refused_or_another_sites(portal: FakePortal, tmp_path: Path) -> None:
    assert examine(portal, tmp_path, token="wrong")["site.token"] is Severity.BLOCKING
    assert examine(portal, tmp_path, site_code="lumi")["site.token-of-another-site"] is Severity.BLOCKING


def test_portal_that_is_away(portal: FakePortal, tmp_path: Path) -> None:
    def refuse(request: object) -> None:
        import httpx

        raise httpx.ConnectError("away")

    portal.before = refuse

    assert examine(portal, tmp_path)["site.portal"] is Severity.BLOCKING


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        (["True"], Severity.INFO),
        (["False"], Severity.BLOCKING),
        (InvalidInput("Slurm refused: Unable to allocate resources: Requested nodes are busy."), Severity.NOT_CHECKED),
        (Unavailable("srun did not answer within 90 seconds."), Severity.NOT_CHECKED),
        (InvalidInput("Slurm refused: Invalid account or account/partition combination."), Severity.SERIOUS),
        (InvalidInput("Slurm refused: ModuleNotFoundError: No module named 'torch'."), Severity.BLOCKING),
    ],
)
def test_trial_job_in_plain_words(portal: FakePortal, tmp_path: Path, said: object, severity: Severity) -> None:
    class Trial(Slurm):
        def read(self, program: str, *options: str, known_failures: str = "") -> list[str]:
            if program != "srun":
                raise Unavailable("no cluster.")
            if isinstance(said, Exception):
                raise said
            return said  # type: ignore[return-value]

    profile = SiteProfile(executor="slurm", cluster="c")

    assert examine(portal, tmp_path, profile=profile, slurm=Trial(), with_job=True)["site.node"] is severity


def test_clock_that_is_off(portal: FakePortal, tmp_path: Path) -> None:
    late = lambda: datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(seconds=90)  # noqa: E731

    assert examine(portal, tmp_path, now=late)["site.clock"] is Severity.WARNING


def test_home_that_is_missing_or_open(portal: FakePortal, tmp_path: Path) -> None:
    assert examine(portal, tmp_path / "none")["site.no-home"] is Severity.BLOCKING
    tmp_path.chmod(0o777)
    assert examine(portal, tmp_path)["site.open-home"] is Severity.SERIOUS


def test_kind_of_file_system_is_told() -> None:
    assert doctor.file_system_of(Path("/proc/self")) == "proc"
    assert doctor.file_system_of(Path(os.sep)) != ""
