"""The gate of a release for people: each test with its figure, its red line and the waiver it has, if any."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext, gettext_noop

from kifabrik.passport import gate as rules
from kifabrik.portal.catalogue.models import GateWaiver, Release
from kifabrik.portal.catalogue.queries.releases import read_evaluation, read_waivers
from kifabrik.records import TestResult, Verdict
from kifabrik.records.passport import GateRecord

# The titles of the required tests in the reader's language; further tests keep the title that their record gives.
_TITLES = {
    "integrity": gettext_noop("The model files are what they claim to be"),
    "contamination": gettext_noop("The held-out text was not trained on"),
    "usefulness": gettext_noop("The model predicts better than a simple baseline"),
    "canary-exposure": gettext_noop("The model does not remember what it saw once"),
    "extraction": gettext_noop("The model does not recite its training text"),
}


@dataclass(frozen=True, slots=True)
class GateRow:
    """One test of the gate; `result` is None if it is missing, `waiver` the one that counts or did count."""

    test: str
    title: str
    result: TestResult | None
    waiver: GateWaiver | None
    is_red: bool
    is_waived: bool
    may_be_waived: bool

    @property
    def state(self) -> str:
        """The word of the pill; a test that is missing or did not run is not run, and counts as red."""
        if self.is_waived:
            return "waived"
        if self.result is None:
            return str(Verdict.NOT_RUN)
        return "red" if self.is_red and self.result.verdict is Verdict.GREEN else str(self.result.verdict)


@dataclass(frozen=True, slots=True)
class Gate:
    """The whole gate as it stands on a day."""

    record: GateRecord
    rows: tuple[GateRow, ...]

    @property
    def is_open(self) -> bool:
        """Say whether a release may pass."""
        return self.record.verdict is Verdict.GREEN

    @property
    def waivable(self) -> frozenset[str]:
        """Name the tests that keep the gate red and that a person may answer for."""
        return frozenset(row.test for row in self.rows if row.may_be_waived)

    @property
    def red_titles(self) -> tuple[str, ...]:
        """Name the tests that keep the gate red."""
        return tuple(row.title for row in self.rows if row.is_red and not row.is_waived)


def read_gate(release: Release, *, today: date) -> Gate:
    """Derive the gate of a release from its evaluation and its waivers as they count today."""
    report, waivers = read_evaluation(release), read_waivers(release)
    record = rules.judge(report, waivers=waivers, today=today)
    red = set(rules.red_tests(report))
    waived = {waiver.test for waiver in record.waivers}
    waivable = set(rules.open_tests(report, waivers=waivers, today=today))
    results = {result.test: result for result in report.results}
    rows = tuple(
        GateRow(
            test=test,
            title=gettext(_TITLES[test]) if test in _TITLES else results[test].title,
            result=results.get(test),
            waiver=_find_waiver(release, test),
            is_red=test in red,
            is_waived=test in waived,
            may_be_waived=test in waivable,
        )
        for test in dict.fromkeys([*rules.REQUIRED_TESTS, *results])
    )
    return Gate(record, rows)


def _find_waiver(release: Release, test: str) -> GateWaiver | None:
    """Find the waiver that lasts longest; the pure rule says whether it counts."""
    rows = [row for row in release.waivers.all() if row.test == test]
    return max(rows, key=lambda row: row.expires_on, default=None)
