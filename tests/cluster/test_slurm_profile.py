"""The site profile: what it accepts, and how it tells a mistake."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from kifabrik.cluster.slurm.profile import SiteProfile, read_profile
from kifabrik.core.errors import InvalidInput

GOOD = """\
executor: slurm
cluster: lumi
partition: standard-g
gres: "gpu:mi250"
devices_per_node: 8
nodes_max: 32
cpus_per_device: 7
memory_per_device: 60G
launcher: apptainer
image: /appl/pytorch.sif
prelude:
  - module load LUMI
sbatch_options:
  - --exclusive
"""


def test_profile_is_read_with_defaults_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(GOOD)

    profile = read_profile(tmp_path / "site.yaml")

    assert (profile.cluster, profile.devices_per_node, profile.prelude) == ("lumi", 8, ("module load LUMI",))
    assert (profile.account_prefix, profile.tres, profile.master_address) == ("kf-", "gres/gpu", "hostname")
    assert profile.environment["HF_HUB_OFFLINE"] == "1"


def test_account_of_an_allocation_has_the_prefix_of_the_site() -> None:
    profile = SiteProfile(account_prefix="aif-")

    assert profile.account_name("kf-7q2m") == "aif-7q2m"
    assert SiteProfile().account_name("kf-7q2m") == "kf-7q2m"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("partitoin: x", "site.yaml:15: unknown field 'partitoin'; did you mean 'partition'?"),
        ("warning_seconds: 1", "site.yaml:15: field 'warning_seconds'"),
        ("qos: 'a b'", "site.yaml:15: field 'qos'"),
        ("master_address: 'hostname; id'", "site.yaml:15: field 'master_address'"),
    ],
)
def test_mistake_is_told_with_its_line(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "site.yaml").write_text(f"{GOOD}{line}\n")

    with pytest.raises(InvalidInput) as caught:
        read_profile(tmp_path / "site.yaml")

    assert expected in str(caught.value)


def test_missing_profile_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no such site profile"):
        read_profile(tmp_path / "site.yaml")


@pytest.mark.parametrize(
    "change",
    [
        {"partition": "x\n#SBATCH --uid=0"},
        {"prelude": ("two\nlines",)},
        {"sbatch_options": ("-x",)},
        {"sbatch_options": ("--x\n#SBATCH --y",)},
        {"environment": {"a b": "x"}},
        {"launcher": "pyxis"},
        {"gres": "gpu:a:b"},
        {"memory_per_device": "lots"},
    ],
)
def test_nothing_breaks_out_of_its_line(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SiteProfile(**change)  # type: ignore[arg-type]
