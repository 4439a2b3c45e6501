import pytest

from kifabrik.training.hardware import Hardware
from kifabrik.workbench.energy import EnergyMeter

CPU = Hardware(device="cpu", threads=2, uses_bfloat16=False)


def put(folder, microjoules: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(str(microjoules))
    (folder / "max_energy_range_uj").write_text("10000000000")


def test_without_a_counter_the_figure_is_modelled_and_says_from_what(tmp_path) -> None:
    record = EnergyMeter(tmp_path).record(hardware=CPU, attempt_seconds=1800, total_seconds=3600)

    assert (record.watt_hours, record.method_class) == (20.0, "modelled")
    assert "2 cores x 10 W (assumption)" in record.method


def test_a_counter_is_measured_over_its_wrap(tmp_path) -> None:
    put(tmp_path / "intel-rapl:0", 9_000_000_000)
    meter = EnergyMeter(tmp_path)
    put(tmp_path / "intel-rapl:0", 2_600_000_000)

    record = meter.record(hardware=CPU, attempt_seconds=100, total_seconds=100)

    assert record.watt_hours == pytest.approx(1.0)
    assert record.method_class == "measured"


def test_attempts_that_were_not_measured_make_it_an_estimate(tmp_path) -> None:
    put(tmp_path / "intel-rapl:0", 0)
    meter = EnergyMeter(tmp_path)
    put(tmp_path / "intel-rapl:0", 3_600_000_000)

    record = meter.record(hardware=CPU, attempt_seconds=100, total_seconds=300)

    assert record.watt_hours == pytest.approx(3.0)
    assert record.method_class == "estimated"
