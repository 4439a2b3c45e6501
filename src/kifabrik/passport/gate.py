"""The release gate: green only if every required test ran and is green, or a named person answers for it.

Derived from an evaluation and its waivers on a given day, never stored as a fact. Knows verdicts, not how tests work.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from kifabrik.core.findings import Finding, Severity
from kifabrik.records.evaluation_report import EvaluationReport, TestResult, Verdict, Waiver
from kifabrik.records.passport import GateRecord

REQUIRED_TESTS: Mapping[str, str] = MappingProxyType(
    {
        "integrity": "The model files are what they claim to be",
        "contamination": "The held-out text was not trained on",
        "usefulness": "The model predicts better than a simple baseline",
        "canary-exposure": "The model does not remember what it saw once",
        "extraction": "The model does not recite its training text",
    }
)
# Nobody can answer for files that are not what was tested.
NEVER_WAIVED = frozenset({"integrity"})
REASON_LENGTH_MIN = 10
REFERENCE = "Release gate: a test that did not run counts as red (fail closed)"


def judge(report: EvaluationReport, *, waivers: Sequence[Waiver], today: date) -> GateRecord:
    """Derive the verdict of a release and keep the waivers that carry it."""
    red = red_tests(report)
    used = [waiver for test in red if (waiver := _find_waiver(test, waivers, today)) is not None]
    verdict = Verdict.GREEN if len(used) == len(red) else Verdict.RED
    return GateRecord(verdict=verdict, waivers=tuple(used))


def open_tests(report: EvaluationReport, *, waivers: Sequence[Waiver], today: date) -> tuple[str, ...]:
    """Name the tests that keep the gate red and that a person may still answer for."""
    return tuple(
        test for test in red_tests(report) if test not in NEVER_WAIVED and _find_waiver(test, waivers, today) is None
    )


def red_tests(report: EvaluationReport) -> tuple[str, ...]:
    """Name the tests that are not green, the missing ones too: required ones first, then others that are red."""
    others = {result.test for result in report.results} - set(REQUIRED_TESTS)
    return tuple(test for test in (*REQUIRED_TESTS, *sorted(others)) if _fault(test, report) is not None)


def explain(report: EvaluationReport, *, waivers: Sequence[Waiver], today: date) -> tuple[Finding, ...]:
    """Say for every test, in the order of the gate, where it stands and what can be done."""
    others = sorted({result.test for result in report.results} - set(REQUIRED_TESTS))
    return tuple(_explain_one(test, report, waivers, today) for test in (*REQUIRED_TESTS, *others))


def _explain_one(test: str, report: EvaluationReport, waivers: Sequence[Waiver], today: date) -> Finding:
    result = _results(test, report)[0] if _results(test, report) else None
    reference = (result.reference if result else "") or REFERENCE
    fault = _fault(test, report)
    if fault is None:
        message = f"green. {result.reason if result else ''}".strip()
        return Finding(f"gate.{test}", Severity.INFO, message, where=test, reference=reference)
    waiver = _find_waiver(test, waivers, today)
    if waiver is not None:
        message = f"{fault} {waiver.by} answers for it until {waiver.expires_on}: {waiver.reason}"
        return Finding(f"gate.{test}.waived", Severity.WARNING, message, where=test, reference=reference)
    if test in NEVER_WAIVED:
        remedy = "This cannot be waived: start the evaluation of the run again."
    else:
        remedy = "Mend the cause and start a new run, or let a named person waive it with a reason and an end."
        if any(each.test == test for each in waivers):
            remedy = f"The waiver has expired or does not count. {remedy}"
    return Finding(f"gate.{test}", Severity.BLOCKING, fault, where=test, remedy=remedy, reference=reference)


def _results(test: str, report: EvaluationReport) -> list[TestResult]:
    return [result for result in report.results if result.test == test]


def _fault(test: str, report: EvaluationReport) -> str | None:
    """Say why a test does not count as green; None if it does."""
    results = _results(test, report)
    if not results:
        return "not run: the evaluation does not hold this test."
    for result in results:
        if result.verdict is Verdict.NOT_RUN:
            return f"not run: {result.reason or 'no reason was recorded.'}"
        if result.verdict is not Verdict.GREEN:
            return f"red. {result.reason}".strip()
        if result.n < 1:
            return "red: it says green, but it looked at nothing (n = 0)."
        if result.statistic is None:
            return "red: it says green, but carries no figure."
    return None


def _find_waiver(test: str, waivers: Sequence[Waiver], today: date) -> Waiver | None:
    """Find the waiver that counts today and lasts longest."""
    if test in NEVER_WAIVED:
        return None
    valid = [waiver for waiver in waivers if waiver.test == test and _is_valid(waiver, today)]
    return max(valid, key=lambda waiver: waiver.expires_on, default=None)


def _is_valid(waiver: Waiver, today: date) -> bool:
    """Say whether a waiver names a person and a reason and has not ended; it counts through its last day."""
    if not waiver.by.strip() or len(waiver.reason.strip()) < REASON_LENGTH_MIN:
        return False
    try:
        return today <= date.fromisoformat(waiver.expires_on)
    except ValueError:
        return False
