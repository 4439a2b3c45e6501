"""Makes sites, awards, allocations, stored files and runs for tests, through the services wherever there is one."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count

from tests.portal.people.factories import make_organisation, make_token, make_user

from kifabrik.core.digests import digest_bytes, digest_listing
from kifabrik.core.errors import NotFound
from kifabrik.funding.estimate import Estimate
from kifabrik.portal.calls.models import Award, Call, Decision, Proposal
from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.compute.queries.accounting import cluster_account
from kifabrik.portal.compute.services import accounting, allocations, files, reports, runs, usage
from kifabrik.portal.compute.services.accounting import Imported
from kifabrik.portal.compute.services.reports import StateReport
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Role, Scope
from kifabrik.records import AccountedJob, EvaluationReport, Recipe, RunEvent, RunManifest, UsageRecord
from kifabrik.records.run_manifest import Environment
from kifabrik.records.run_state import RunState

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = 3600
_numbers = count(1)


def make_site(code="laptop", *, system_code="laptop", unit="CPU", devices=1) -> Site:
    """Register a site as its operator would."""
    return Site.objects.create(
        code=code, name=f"Site {code}", system_code=system_code, unit=unit, devices=devices, created_at=NOW
    )


def make_award(
    organisation=None, *, gpu_seconds=10 * HOUR, system_code="laptop", starts_on=None, ends_on=None
) -> Award:
    """Make an award with the proposal and decision behind it."""
    organisation = organisation or make_organisation()
    investigator = make_user(roles=[Role.APPLICANT], organisations=[organisation])
    call = make_call()
    proposal = Proposal.objects.create(
        call=call,
        organisation=organisation,
        principal_investigator=investigator,
        title=f"Proposal {next(_numbers)}",
        state="awarded",
        created_at=NOW,
        changed_at=NOW,
        submitted_at=NOW,
        decided_at=NOW,
    )
    decision = Decision.objects.create(
        proposal=proposal, outcome="awarded", reasons="good", letter_en="yes", letter_de="ja", at=NOW
    )
    return Award.objects.create(
        decision=decision,
        proposal=proposal,
        organisation=organisation,
        system_code=system_code,
        gpu_seconds=gpu_seconds,
        starts_on=starts_on or date(2026, 11, 1),
        ends_on=ends_on or date(2027, 1, 31),
    )


def make_call() -> Call:
    """Make an open call."""
    return Call.objects.create(
        id=f"call-{next(_numbers)}",
        title_en="Playground",
        title_de="Spielplatz",
        mode_code="playground",
        mode_version="1",
        mode_rules={},
        system_codes=["laptop"],
        capacity_gpu_seconds=1000 * HOUR,
        opens_at=NOW,
        created_at=NOW,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation with a manager who signs and runs, its open allocation, the site, and its agent's owner."""

    organisation: Organisation
    manager: User
    allocation: Allocation
    site: Site
    operator: User


def make_place(*, gpu_seconds=10 * HOUR, code="laptop", now=NOW, **award) -> Place:
    """Open an allocation by accepting an award."""
    organisation = make_organisation()
    manager = make_user(roles=[Role.APPLICANT], manages=[organisation])
    award.setdefault("system_code", code)  # so that the award finds this site
    site = Site.objects.filter(code=code).first() or make_site(code, system_code=award["system_code"])
    award = make_award(organisation, gpu_seconds=gpu_seconds, **award)
    allocation = allocations.accept_award(by=manager, award=award, now=now)
    return Place(organisation, manager, allocation, site, make_user(roles=[Role.OPERATOR], site_code=code))


def make_recipe(**changes) -> Recipe:
    """Make a small recipe."""
    return Recipe.model_validate(
        {"name": "tiny", "dataset": "sha256:" + "d" * 64, "pretraining": {"budget": {"steps": 10}}, **changes}
    )


def make_estimate(*, gpu_seconds=600, time_limit_seconds=900) -> Estimate:
    """Make an estimate without working it out."""
    return Estimate(
        flop=10**12,
        tokens=1000,
        gpu_seconds=gpu_seconds,
        time_limit_seconds=time_limit_seconds,
        watt_hours=1.5,
        assumptions=("a test",),
    )


def store(organisation, by, data: bytes, now=NOW) -> str:
    """Keep bytes for an organisation; returns their digest."""
    digest = digest_bytes(data)
    files.store_for_organisation(by=by, organisation=organisation, digest=digest, source=io.BytesIO(data), now=now)
    return digest


def make_inputs(organisation, by, data=b"a shard of text") -> list[dict]:
    """Keep a dataset folder of one file; returns its listing."""
    return [{"path": "train-00000.parquet", "digest": store(organisation, by, data), "size_bytes": len(data)}]


def start_run(place: Place, *, seconds=900, now=NOW, recipe=None, by=None, devices=1) -> Run:
    """Request a run that may need `seconds`."""
    inputs = make_inputs(place.organisation, place.manager)
    return runs.start(
        by=by or place.manager,
        allocation=place.allocation,
        recipe=recipe or make_recipe(),
        dataset_digest=digest_listing({entry["path"]: entry["digest"] for entry in inputs}),
        inputs=inputs,
        estimate=make_estimate(gpu_seconds=seconds // 2 or 1, time_limit_seconds=seconds),
        devices=devices,
        now=now,
    )


def reserve(place: Place, run: Run, attempt=1, now=NOW) -> Run:
    """Reserve the time of an attempt."""
    return reports.reserve(by=place.operator, site=place.site, run_id=run.pk, attempt=attempt, now=now)


def say(place: Place, run: Run, state, *, attempt=1, at=NOW, job_id="job-1", reason="") -> Run:
    """Report a state."""
    report = StateReport(state=RunState(state), attempt=attempt, at=at, job_id=job_id, reason=reason)
    return reports.report_state(by=place.operator, site=place.site, run_id=run.pk, report=report, now=at)


def make_usage(run: Run, *, attempt=1, gpu_seconds=300, ended=True) -> UsageRecord:
    """Make what an agent would say of an attempt that has ended, or of one that goes on."""
    return UsageRecord(
        key=f"{run.pk}:{attempt}",
        run_id=run.pk,
        attempt=attempt,
        cluster="local",
        job_id="job-1",
        submitted_at=NOW.isoformat(),
        started_at=NOW.isoformat(),
        ended_at=NOW.isoformat() if ended else None,
        devices=1,
        gpu_seconds=gpu_seconds,
        cpu_seconds=float(gpu_seconds),
        peak_memory_bytes=10**8,
        exit_code=0 if ended else None,
        source="test",
    )


def use(place: Place, run: Run, gpu_seconds: int, attempt=1, now=NOW, ended=True):
    """Report what an attempt consumed."""
    record = make_usage(run, attempt=attempt, gpu_seconds=gpu_seconds, ended=ended)
    return usage.report_usage(by=place.operator, site=place.site, run_id=run.pk, record=record, now=now)


def make_job(place: Place, *, job_id="1", run=None, attempt=1, gpu_seconds=300, ended=True, **changes) -> AccountedJob:
    """Make what a cluster's accounting says of a job in the account of the allocation, started by a run or by hand."""
    fields = {
        "cluster": "alpha",
        "job_id": job_id,
        "submitted_at": NOW.isoformat(),
        "key": f"{run.pk}:{attempt}" if run else "",
        "account": cluster_account(place.allocation.pk),
        "user": "ada",
        "state": "COMPLETED" if ended else "RUNNING",
        "started_at": NOW.isoformat(),
        "ended_at": NOW.isoformat() if ended else None,
        "devices": 1,
        "gpu_seconds": gpu_seconds,
    }
    return AccountedJob.model_validate({**fields, **changes})


def account(place: Place, *jobs: AccountedJob, until=None, now=NOW) -> Imported:
    """Report rows of accounting."""
    return accounting.import_rows(by=place.operator, site=place.site, rows=jobs, until=until, now=now)


def make_events(*rows) -> list[RunEvent]:
    """Make events numbered from 1 from dictionaries."""
    return [
        RunEvent.model_validate({"sequence": number, "at": NOW.isoformat(), **row})
        for number, row in enumerate(rows, start=1)
    ]


def tell(place: Place, run: Run, events) -> int:
    """Report events."""
    return reports.report_events(site=place.site, run_id=run.pk, events=events)


def make_manifest(run: Run, *, finished=True, **changes) -> RunManifest:
    """Make the manifest of a run."""
    fields = {
        "run_id": run.pk,
        "recipe": run.recipe,
        "recipe_digest": run.recipe_digest,
        "dataset_digest": run.dataset_digest,
        "dataset_name": "tiny",
        "environment": Environment(python="3.11", platform="x", processor="y", threads=1, device="cpu", packages={}),
        "attempts": 1,
        "steps": (),
        "finished": finished,
    }
    return RunManifest.model_validate({**fields, **changes})


def make_evaluation(run: Run, **changes) -> EvaluationReport:
    """Make an empty evaluation of a run."""
    fields = {
        "run_id": run.pk,
        "model_digest": "sha256:" + "e" * 64,
        "dataset_digest": run.dataset_digest,
        "made_at": NOW.isoformat(),
        "results": (),
    }
    return EvaluationReport.model_validate({**fields, **changes})


def site_token(place: Place) -> str:
    """Make the secret of the site's agent."""
    return make_token(place.operator, scopes=[Scope.SITE], site_code=place.site.code)


def is_missing(call) -> bool:
    """Say whether something answers that it does not exist."""
    try:
        call()
    except NotFound:
        return True
    return False
