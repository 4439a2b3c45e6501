"""EvaluationReport: what the tests of a model found; a test that did not run is red unless a named person waives it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from kifabrik.records.base import Digest, Part, Record


class Verdict(StrEnum):
    """Outcome of one test, or of the whole gate."""

    GREEN = "green"
    RED = "red"
    NOT_RUN = "not-run"


class TestResult(Part):
    """One test: the figure, its interval, its red line and the verdict."""

    __test__ = False  # its name makes pytest look for tests in it

    test: str = Field(description="usefulness, contamination, canary-exposure, extraction, integrity, ...")
    title: str
    version: int
    verdict: Verdict
    statistic: float | None
    interval: tuple[float, float] | None = None
    unit: str = ""
    threshold: str = Field(description="the red line in words and numbers")
    n: int = Field(ge=0)
    seed: int
    seconds: float
    details: dict[str, float | str] = Field(default_factory=dict)
    reason: str = Field(default="", description="why this verdict, in one sentence")
    reference: str = ""


class Waiver(Part):
    """A named person takes a red or missing test upon himself, with a reason and an end."""

    test: str
    by: str
    reason: str = Field(min_length=10)
    expires_on: str


class EvaluationReport(Record):
    """All tests of one model; the gate is derived from it, never stored in it."""

    schema_version: Literal[1] = 1
    run_id: str
    model_digest: Digest
    dataset_digest: Digest
    made_at: str
    results: tuple[TestResult, ...]
    samples: tuple[str, ...] = Field(default=(), description="text the model wrote, for people")
