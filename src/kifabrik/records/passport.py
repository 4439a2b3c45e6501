"""Passport: the signed dossier of a release, assembled from records alone; no technical field is typed by hand."""

from typing import Literal

from pydantic import Field

from kifabrik.core.findings import Finding
from kifabrik.records.base import Part, Record
from kifabrik.records.dataset_card import DatasetCard
from kifabrik.records.evaluation_report import EvaluationReport, Verdict, Waiver
from kifabrik.records.run_manifest import RunManifest


class Decision(Part):
    """Who decided what, when and why."""

    what: str = Field(description="eligibility, technical-check, award, finding-accepted, waiver, release")
    by: str
    role: str
    at: str
    outcome: str
    reasons: str


class AwardRecord(Part):
    """The decision that gave the resources, and the allocation it opened."""

    call: str
    access_mode: str
    access_mode_version: str
    proposal_id: str
    proposal_title: str
    organisation: str
    award_id: str
    allocation_id: str
    site: str
    granted_gpu_seconds: int = Field(ge=0)
    starts_on: str
    ends_on: str


class UsageSummary(Part):
    """What the ledger booked for the run."""

    posted_gpu_seconds: int = Field(ge=0)
    unit: str = Field(description="GPU or CPU: what one second counts on this site")
    ledger_entries: tuple[str, ...] = Field(description="identifiers of the ledger transfers of this run")


class GateRecord(Part):
    """The release gate: green only if every test is green or waived."""

    verdict: Verdict
    waivers: tuple[Waiver, ...]


class Passport(Record):
    """The dossier; `award` is None for a run made with no portal, and the passport then says so in its findings."""

    schema_version: Literal[1] = 1
    model_name: str
    release_version: str
    made_at: str
    law_as_of: str = Field(description="date on which the legal reference data was checked")
    organisation: str
    licence: str
    intended_use: str
    award: AwardRecord | None
    usage: UsageSummary | None
    dataset: DatasetCard
    run: RunManifest
    evaluation: EvaluationReport
    gate: GateRecord
    decisions: tuple[Decision, ...]
    evidence: tuple[Finding, ...] = Field(description="what an article asks for, and where it stands")
    files: dict[str, str] = Field(description="path in the release folder -> digest, all but the passport itself")
