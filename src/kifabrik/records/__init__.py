"""The papers that pass through doors: frozen, versioned pydantic models with a published JSON Schema.

Knows shapes and units, not how a value came about.
"""

from kifabrik.records.accounted_job import AccountedJob
from kifabrik.records.base import Record
from kifabrik.records.dataset_card import DatasetCard
from kifabrik.records.evaluation_report import EvaluationReport, TestResult, Verdict
from kifabrik.records.passport import Passport
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_event import EventKind, RunEvent
from kifabrik.records.run_manifest import RunManifest
from kifabrik.records.usage_record import UsageRecord

__all__ = [
    "AccountedJob",
    "DatasetCard",
    "EvaluationReport",
    "EventKind",
    "Passport",
    "Recipe",
    "Record",
    "RunEvent",
    "RunManifest",
    "TestResult",
    "UsageRecord",
    "Verdict",
]
