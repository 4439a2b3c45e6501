"""The gate fails closed: everything that is not clearly green is red, and only a named person can answer for it."""

from datetime import date

import pytest
from pydantic import ValidationError
from tests.passport.factories import TESTS, make_report, make_result

from kifabrik.core.findings import Severity
from kifabrik.passport import gate
from kifabrik.records import Verdict
from kifabrik.records.evaluation_report import Waiver

TODAY = date(2026, 11, 24)


def make_waiver(test="usefulness", **changes):
    fields = {"test": test, "by": "Ada Berg", "reason": "A trial for teaching only.", "expires_on": "2026-12-31"}
    return Waiver(**{**fields, **changes})


def report_with(test, **changes):
    return make_report(*(make_result(each, **(changes if each == test else {})) for each in TESTS))


def test_a_report_with_every_test_green_opens_the_gate():
    record = gate.judge(make_report(), waivers=(), today=TODAY)

    assert record.verdict is Verdict.GREEN
    assert record.waivers == ()


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    "fault",
    [
        {"verdict": Verdict.RED},
        {"verdict": Verdict.NOT_RUN, "statistic": None, "n": 0, "reason": "both detectors failed to load"},
        {"n": 0},
        {"statistic": None},
    ],
    ids=["red", "detector missing", "empty set", "no figure"],
)
def test_a_seeded_fault_makes_the_gate_red_for_the_right_test(test, fault):
    report = report_with(test, **fault)

    assert gate.judge(report, waivers=(), today=TODAY).verdict is Verdict.RED
    assert gate.red_tests(report) == (test,)


@pytest.mark.parametrize("test", TESTS)
def test_a_test_that_is_missing_is_red(test):
    report = make_report(*(make_result(each) for each in TESTS if each != test))

    assert gate.judge(report, waivers=(), today=TODAY).verdict is Verdict.RED
    (finding,) = [each for each in gate.explain(report, waivers=(), today=TODAY) if each.where == test]
    assert finding.severity is Severity.BLOCKING
    assert "not run" in finding.message


def test_an_empty_report_is_red():
    report = make_report().model_copy(update={"results": ()})

    assert gate.red_tests(report) == TESTS


def test_a_figure_that_is_no_number_never_gets_into_a_report():
    with pytest.raises(ValidationError):
        make_result("usefulness", statistic=float("nan"))


def test_one_green_result_does_not_hide_a_red_one_of_the_same_test():
    report = make_report(*map(make_result, TESTS), make_result("extraction", verdict=Verdict.RED))

    assert gate.red_tests(report) == ("extraction",)


def test_a_further_test_that_is_red_keeps_the_gate_red():
    report = make_report(*map(make_result, TESTS), make_result("robustness", verdict=Verdict.RED))

    assert gate.judge(report, waivers=(), today=TODAY).verdict is Verdict.RED


def test_a_waiver_opens_the_gate_and_is_kept():
    report = report_with("usefulness", verdict=Verdict.RED)

    record = gate.judge(report, waivers=(make_waiver(),), today=TODAY)

    assert record.verdict is Verdict.GREEN
    assert record.waivers == (make_waiver(),)


@pytest.mark.parametrize(
    ("expires_on", "verdict"),
    [("2026-11-25", Verdict.GREEN), ("2026-11-24", Verdict.GREEN), ("2026-11-23", Verdict.RED), ("soon", Verdict.RED)],
)
def test_a_waiver_counts_through_its_last_day(expires_on, verdict):
    report = report_with("usefulness", verdict=Verdict.RED)

    record = gate.judge(report, waivers=(make_waiver(expires_on=expires_on),), today=TODAY)

    assert record.verdict is verdict


@pytest.mark.parametrize("changes", [{"by": "  "}, {"reason": "  because  "}, {"test": "extraction"}])
def test_a_waiver_without_person_or_reason_or_of_another_test_does_not_count(changes):
    report = report_with("usefulness", verdict=Verdict.RED)

    assert gate.judge(report, waivers=(make_waiver(**changes),), today=TODAY).verdict is Verdict.RED


def test_nobody_can_answer_for_files_that_are_not_what_was_tested():
    report = report_with("integrity", verdict=Verdict.RED)

    assert gate.judge(report, waivers=(make_waiver("integrity"),), today=TODAY).verdict is Verdict.RED
    assert gate.open_tests(report, waivers=(), today=TODAY) == ()


def test_each_test_is_explained_with_what_can_be_done():
    report = report_with("usefulness", verdict=Verdict.RED, reason="It is no better than a trigram.")

    before = {each.where: each for each in gate.explain(report, waivers=(), today=TODAY)}
    after = {each.where: each for each in gate.explain(report, waivers=(make_waiver(),), today=TODAY)}

    assert tuple(before) == TESTS
    assert before["usefulness"].severity is Severity.BLOCKING
    assert "no better than a trigram" in before["usefulness"].message
    assert "waive" in before["usefulness"].remedy
    assert after["usefulness"].severity is Severity.WARNING
    assert "Ada Berg" in after["usefulness"].message
    assert before["integrity"].severity is Severity.INFO
    assert gate.open_tests(report, waivers=(), today=TODAY) == ("usefulness",)
    assert gate.open_tests(report, waivers=(make_waiver(),), today=TODAY) == ()
