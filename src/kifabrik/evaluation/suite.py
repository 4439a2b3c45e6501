"""Runs every test of the release gate on one model and writes down what each found.

A test that fails to run is recorded as not run, with the reason, and never as green. Knows the list, not the tests.
"""

import time
from datetime import datetime
from pathlib import Path

from kifabrik.evaluation import canary_exposure, contamination, extraction, integrity, sampling, usefulness
from kifabrik.evaluation.canaries import CanaryBook
from kifabrik.evaluation.documents import TokenizedDocuments
from kifabrik.evaluation.progress import Progress, Report, discard
from kifabrik.evaluation.subject import NotRun, Outcome, Subject, Test
from kifabrik.records import EvaluationReport, Recipe, TestResult, Verdict

TESTS: tuple[Test, ...] = (
    integrity.TEST,
    contamination.TEST,
    usefulness.TEST,
    canary_exposure.TEST,
    extraction.TEST,
)


def evaluate(
    *,
    recipe: Recipe,
    run_id: str,
    model_folder: Path,
    untrained_folder: Path,
    train: TokenizedDocuments,
    held_out: TokenizedDocuments,
    canaries: CanaryBook | None,
    dataset_digest: str,
    model_digest: str,
    now: datetime,
    passes: float | None = None,
    report: Report = discard,
    tests: tuple[Test, ...] = TESTS,
) -> EvaluationReport:
    """Evaluate a model folder; `report` hears of progress between the tests, and what it raises ends the evaluation."""
    subject = Subject(
        recipe=recipe,
        model_folder=model_folder,
        untrained_folder=untrained_folder,
        train=train,
        held_out=held_out,
        canaries=canaries,
        model_digest=model_digest,
        passes=passes,
    )
    results: list[TestResult] = []
    begun_at = time.monotonic()
    for number, test in enumerate(tests):
        left = (time.monotonic() - begun_at) / number * (len(tests) - number) if number else None
        report(Progress(done=number / (len(tests) + 1), seconds_left=left, message=test.title))
        results.append(_take(test, subject))
    samples = _write_samples(subject)
    report(Progress(done=1.0, seconds_left=0.0))
    return EvaluationReport(
        run_id=run_id,
        model_digest=model_digest,
        dataset_digest=dataset_digest,
        made_at=now.isoformat(),
        results=tuple(results),
        samples=samples,
    )


def _take(test: Test, subject: Subject) -> TestResult:
    begun_at = time.monotonic()
    try:
        outcome = test.run(subject)
        result = _record(test, outcome, subject, begun_at)
    except NotRun as reason:
        result = _record(test, _not_run(str(reason)), subject, begun_at)
    except Exception as error:  # whatever it was, the test said nothing, and saying nothing must not look green
        outcome = _not_run(f"the test broke off ({type(error).__name__}: {str(error)[:300]}).")
        result = _record(test, outcome, subject, begun_at)
    return result


def _not_run(reason: str) -> Outcome:
    return Outcome(verdict=Verdict.NOT_RUN, reason=reason, n=0)


def _record(test: Test, outcome: Outcome, subject: Subject, begun_at: float) -> TestResult:
    return TestResult(
        test=test.name,
        title=test.title,
        version=test.version,
        verdict=outcome.verdict,
        statistic=outcome.statistic,
        interval=outcome.interval,
        unit=test.unit,
        threshold=test.threshold,
        n=outcome.n,
        seed=subject.recipe.seed,
        seconds=round(time.monotonic() - begun_at, 3),
        details=dict(outcome.details),
        reason=outcome.reason,
        reference=test.reference,
    )


def _write_samples(subject: Subject) -> tuple[str, ...]:
    try:
        return sampling.write_samples(subject)
    except Exception:  # samples are for people to look at; a model that cannot write any is judged by the tests
        return ()
