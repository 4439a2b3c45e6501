"""Curves of a run: what a plot shows is read and no more, and it looks as if everything had been read."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.portal.compute.factories import make_events, make_place, start_run

from kifabrik.portal.compute.models import RunEventRow
from kifabrik.portal.compute.queries.curves import read_curves
from kifabrik.portal.compute.services import reports

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(home):
    return start_run(make_place())


def metric(step: int, *, of="pretraining", **values: float) -> dict:
    return {
        "kind": "metric",
        "step": of,
        "metrics": [{"name": name, "value": value, "step": step} for name, value in values.items()],
    }


def tell_all(run, *rows: dict) -> None:
    events = make_events(*rows)
    for at in range(0, len(events), 1000):
        reports.report_events(site=run.allocation.site, run_id=run.pk, events=events[at : at + 1000])


def values_of(run, name: str, **wanted) -> dict[int, float]:
    found = {}
    for curve in read_curves(run, **wanted):
        for series in curve.series:
            if series.name == name:
                found |= {x: y for x, y in zip(curve.steps, series.values, strict=True) if y is not None}
    return found


def count_read_events(run, **wanted) -> int:
    """How many events left the database for a plot."""
    read = []
    original = RunEventRow._meta.get_field("event").from_db_value

    def note(*words):
        read.append(words)
        return original(*words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunEventRow._meta.get_field("event"), "from_db_value", note)
        read_curves(run, **wanted)
    return len(read)


def test_of_many_events_those_of_a_plot_are_read(run) -> None:
    told = [metric(n, train_loss=n, learning_rate=0.1) for n in range(3000)]
    tell_all(run, *told, metric(9, held_out_loss=7), metric(2999, held_out_loss=6))

    assert count_read_events(run, points=50) == 50 + 2
    assert len(values_of(run, "train_loss", points=50)) == 50


def test_the_points_are_those_of_all_events(run) -> None:
    tell_all(run, *(metric(3 * n, train_loss=n) for n in range(101)))

    assert values_of(run, "train_loss", points=11) == {30 * n: 10 * n for n in range(11)}


def test_figures_that_are_told_seldom_are_all_there(run) -> None:
    often = [metric(n, train_loss=n) for n in range(1000)]
    seldom = [metric(100 * n, held_out_loss=n) for n in range(10)]
    tell_all(run, *often, *seldom)

    assert values_of(run, "held_out_loss", points=20) == {100 * n: n for n in range(10)}


def test_what_a_later_attempt_told_again_counts_and_takes_no_point_away(run) -> None:
    tell_all(run, *(metric(n, train_loss=1) for n in range(100)), *(metric(n, train_loss=2) for n in range(50, 100)))

    values = values_of(run, "train_loss", points=10)

    assert values == {n: 1 if n < 50 else 2 for n in range(0, 100, 11)}


def test_a_step_chooses_its_own_events(run) -> None:
    tell_all(run, metric(1, train_loss=1), metric(1, of="fine-tuning", train_loss=2), metric(1, of="pre", train_loss=3))

    assert values_of(run, "train_loss", step="fine-tuning") == {1: 2}
    assert values_of(run, "train_loss", step="pre") == {1: 3}
    assert count_read_events(run, step="fine-tuning") == 1


def test_a_step_beyond_all_numbers_and_an_endless_name_break_nothing(run) -> None:
    tell_all(run, metric(2**70, train_loss=1), metric(1, **{"x" * 500: 2}), {"kind": "metric", "step": "pretraining"})

    assert values_of(run, "train_loss") == {2**70: 1}
    assert values_of(run, "x" * 500) == {1: 2}


def test_a_run_without_figures_has_no_curve(run) -> None:
    tell_all(run, {"kind": "progress", "done": 0.5})

    assert read_curves(run) == ()


def test_events_that_were_told_before_the_upgrade_are_drawn_too(run) -> None:
    tell_all(run, *(metric(n, train_loss=n) for n in range(5)), {"kind": "progress"}, {"kind": "metric"})
    RunEventRow.objects.update(stream="", training_step=None)
    assert read_curves(run) == ()

    import_module("kifabrik.portal.compute.migrations.0008_figures_of_events").name_streams(apps, None)

    assert values_of(run, "train_loss") == {n: n for n in range(5)}


def test_curves_cost_two_questions_however_much_was_told(run) -> None:
    tell_all(run, *(metric(n, train_loss=n) for n in range(1200)))

    with CaptureQueriesContext(connection) as asked:
        read_curves(run)

    assert len(asked) == 2
