"""The reference data: rows without provenance are refused, codes fit together, what is not known says so."""

from datetime import date
from importlib.resources import files

import pytest
import yaml

from kifabrik.core.errors import InvalidInput
from kifabrik.funding import reference
from kifabrik.funding.reference.rows import Assumption, Country

PLACE = files("kifabrik.funding.reference")
ROW = {
    "code": "x",
    "value": 1.0,
    "unit": "s",
    "words": "w",
    "source": "a book",
    "checked_on": date(2026, 1, 1),
    "valid_from": date(2026, 1, 1),
    "grade": "A",
}


def every_row():
    for file in PLACE.iterdir():
        if file.name.endswith(".yaml"):
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            for section, rows in content.items():
                if section not in ("edition", "provenance"):
                    yield from ((f"{file.name}:{section}[{n}]", row) for n, row in enumerate(rows))


@pytest.mark.parametrize(("where", "row"), list(every_row()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_row_says_where_it_comes_from(where, row) -> None:
    assert row["source"].strip()
    assert row["grade"] in "ABCD"
    assert isinstance(row["checked_on"], date)
    assert isinstance(row["valid_from"], date)


@pytest.mark.parametrize("field", ["source", "checked_on", "valid_from", "grade"])
def test_a_row_without_provenance_is_refused(field) -> None:
    row = {key: value for key, value in ROW.items() if key != field}

    with pytest.raises(InvalidInput, match=field):
        reference.read_row(Assumption, row, where="here")


@pytest.mark.parametrize("change", [{"source": " "}, {"grade": "E"}, {"surprise": 1}, {"value": "much"}])
def test_a_row_of_another_shape_is_refused(change) -> None:
    with pytest.raises(InvalidInput) as caught:
        reference.read_row(Assumption, {**ROW, **change}, where="here")

    assert caught.value.where == "here"


def test_everything_is_there() -> None:
    assert list(reference.access_modes()) == [
        "playground", "fast-lane", "large-scale", "ai-for-science", "benchmark", "development", "regular",
        "extreme-scale",
    ]  # fmt: skip
    assert len(reference.factories()) == 19
    assert len(reference.antennas()) == 13
    assert "laptop" in reference.systems()
    assert len([row for row in reference.countries().values() if row.is_member_state]) == 27


def test_codes_fit_together() -> None:
    factories, systems, countries = reference.factories(), reference.systems(), reference.countries()

    assert all(code in factories for antenna in reference.antennas().values() for code in antenna.factories)
    assert all(system.fallback_code in systems for system in systems.values() if system.fallback_code)
    assert all(factory.country in countries for factory in factories.values())
    assert all(antenna.country in countries for antenna in reference.antennas().values())
    assert all(mode.state_aid_regime in reference.state_aid() for mode in reference.access_modes().values())


def test_what_was_not_read_is_graded_d() -> None:
    unknown = Country(**vars(reference.countries()["NO"]))

    assert unknown.grade == "D"
    assert unknown.is_associated is None
    assert reference.access_modes()["playground"].grade_of("grant_euro_cents_per_gpu_hour") == "D"
    assert reference.access_modes()["playground"].grade_of("sla_working_days") == "B"


def test_the_law_is_stamped() -> None:
    assert reference.law().as_of == date(2026, 7, 27)
    assert reference.law().threshold("gpai").flop == 1e23
    assert reference.law().threshold("systemic-risk").grade == "A"
    high_risk = next(row for row in reference.law().dates if row.code == "high-risk-annex-iii")
    assert high_risk.applies_on == date(2027, 12, 2)


@pytest.mark.parametrize("code", list(reference.access_modes()))
def test_a_frozen_mode_comes_back_whole(code) -> None:
    mode = reference.access_modes()[code]

    assert reference.thaw_mode(reference.freeze_mode(mode)) == mode


def test_a_frozen_mode_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidInput):
        reference.thaw_mode({"code": "playground"})
