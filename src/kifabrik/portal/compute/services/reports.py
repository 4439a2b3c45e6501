"""What the agent of a site reports about runs: reservations, states, events, outputs. Usage is in `usage.py`.

Every report may come twice, late or out of order: its effect is the same as once, in order. A run of another site does
not exist here. Knows the moves between states and the books, no cluster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from kifabrik.core.states import require_move
from kifabrik.portal.compute.models import Allocation, Run, RunEventRow, Site
from kifabrik.portal.compute.queries.curves import LARGEST_STEP, stream_name
from kifabrik.portal.compute.queries.events import next_sequence
from kifabrik.portal.compute.services import books, files
from kifabrik.portal.people.models import User
from kifabrik.portal.people.services import audit
from kifabrik.records import EvaluationReport, EventKind, RunEvent, RunManifest
from kifabrik.records.run_state import FINAL, MOVES, RunState

EVENTS_MAX = 5000


@dataclass(frozen=True, slots=True)
class StateReport:
    """What an agent says about a run: where its newest attempt stands, and since when by the site's clock."""

    state: RunState
    attempt: int
    at: datetime
    job_id: str = ""
    reason: str = ""


def reserve(*, by: User, site: Site, run_id: str, attempt: int, now: datetime) -> Run:
    """Reserve the time of the next attempt; the same attempt again is the same reservation.

    Raises Conflict when the run has ended or is to stop, the attempt is not the next one or the budget does not hold
    it, and Unavailable (ask again later) for a first attempt while the allocation is paused.
    """
    with transaction.atomic():
        allocation, run = lock_run(site, run_id)
        if books.find_reservation(run=run, attempt=attempt) is not None:
            return run
        _require_startable(allocation, run, attempt)
        books.settle_earlier(run=run, now=now)
        books.reserve(run=run, attempt=attempt, now=now)
        run.attempts, run.job_id = attempt, ""
        run.save(update_fields=["attempts", "job_id"])
        details: dict[str, Json] = {"attempt": attempt, "gpu_seconds": run.reserved_gpu_seconds}
        audit.append(
            by=by, verb="run.reserved", what=run, organisation=allocation.organisation, details=details, now=now
        )
    return run


def report_state(*, by: User, site: Site, run_id: str, report: StateReport, now: datetime) -> Run:
    """Move a run to the state its agent sees; a late or repeated report changes nothing.

    A report that was lost on the way is filled in. Raises Conflict for a move that cannot be, and for an attempt that
    reserved no time.
    """
    with transaction.atomic():
        allocation, run = lock_run(site, run_id)
        if _is_old_news(run, report):
            return run
        _require_reserved(run, report)
        before = RunState(run.state)
        for step in _path(before, report.state):
            require_move(MOVES, now=RunState(run.state), to=step, what=_("The run"))
            run.state = step
        _write_state(run, report)
        if before is RunState.REQUESTED and report.state in (RunState.REFUSED, RunState.CANCELLED) and not run.job_id:
            books.void_all(run=run, now=now)  # no job was ever submitted, so no usage will be reported
        details: dict[str, Json] = {
            "from": str(before),
            "attempt": report.attempt,
            "job_id": run.job_id,
            "reason": run.reason,
        }
        audit.append(
            by=by,
            verb=f"run.{report.state}",
            what=run,
            organisation=allocation.organisation,
            details=details,
            now=now,
        )
    return run


def report_events(*, site: Site, run_id: str, events: Sequence[RunEvent]) -> int:
    """Keep the events of a run once each by their sequence; returns the next sequence the agent should send."""
    if len(events) > EVENTS_MAX:
        raise InvalidInput(_("At most %(count)s events in one report.") % {"count": EVENTS_MAX}, where="events")
    run = find_run(site, run_id)
    rows = [_event_row(run, event) for event in events]
    with transaction.atomic():
        RunEventRow.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return next_sequence(run.pk)


def report_outputs(
    *,
    by: User,
    site: Site,
    run_id: str,
    listing: Sequence[object],
    manifest: RunManifest | None,
    evaluation: EvaluationReport | None,
    now: datetime,
) -> Run:
    """Keep what a run left: its files by content, its manifest and its evaluation; the organisation holds the files.

    Raises InvalidInput for files that were not sent before and for papers about another run, dataset or recipe,
    Conflict if a finished run is reported anew with something else.
    """
    entries = sorted(files.read_entries(listing), key=lambda entry: entry.path)
    with transaction.atomic():
        allocation, run = lock_run(site, run_id)
        outputs = [asdict(entry) for entry in entries]
        papers = (_as_json(manifest), _as_json(evaluation))
        if (run.outputs, run.manifest, run.evaluation) == (outputs, *papers):
            return run
        if run.evaluation is not None and run.manifest is not None and run.manifest.get("finished"):
            raise Conflict(_("The outputs of this run are reported already and differ."), where=run.pk)
        _require_papers(run, manifest, evaluation)
        files.hand_over(site=site, organisation=allocation.organisation, entries=entries, now=now)
        run.outputs, (run.manifest, run.evaluation) = outputs, papers
        run.save(update_fields=["outputs", "manifest", "evaluation"])
        details: dict[str, Json] = {"files": len(outputs), "manifest": manifest.digest() if manifest else ""}
        audit.append(
            by=by,
            verb="run.outputs-reported",
            what=run,
            organisation=allocation.organisation,
            details=details,
            now=now,
        )
    return run


def find_run(site: Site, run_id: str) -> Run:
    """Find a run at a site; raises NotFound for one of another site."""
    run = Run.objects.filter(pk=run_id, allocation__site=site).first()
    if run is None:
        raise NotFound(_("There is no such run at this site."), where=run_id)
    return run


def lock_run(site: Site, run_id: str) -> tuple[Allocation, Run]:
    """Lock allocation, then run: every writer takes them in this order."""
    found = find_run(site, run_id)
    allocation = books.lock(found.allocation_id)
    return allocation, Run.objects.select_for_update().get(pk=found.pk)


def _event_row(run: Run, event: RunEvent) -> RunEventRow:
    row = RunEventRow(run=run, sequence=event.sequence, kind=event.kind, event=event.model_dump(mode="json"))
    if event.kind is EventKind.METRIC and event.metrics:
        row.stream = stream_name(event.step, [metric.name for metric in event.metrics])
        row.training_step = min(event.metrics[0].step, LARGEST_STEP)
    return row


def _require_startable(allocation: Allocation, run: Run, attempt: int) -> None:
    if run.state in FINAL or run.wanted == "stop":
        raise Conflict(_("The run is to stop or has ended; nothing is reserved for it."), where=run.pk)
    if attempt != run.attempts + 1:
        raise Conflict(
            _("The next attempt of this run is number %(number)s.") % {"number": run.attempts + 1}, where="attempt"
        )
    if allocation.state == "closed":
        raise Conflict(_("The allocation is closed."), where=allocation.pk)
    if allocation.state == "paused" and attempt == 1:
        raise Unavailable(_("The allocation is paused."), where=allocation.pk, remedy=_("Ask again later."))


def _is_old_news(run: Run, report: StateReport) -> bool:
    """A report after the end, about an earlier attempt, or of a state that is reached or passed, says nothing new."""
    if run.state in FINAL or report.attempt < run.state_attempt:
        return True
    passed = {RunState.RUNNING: (RunState.RUNNING, RunState.SUBMITTED)}.get(RunState(run.state), (run.state,))
    return report.attempt == run.state_attempt and report.state in passed


def _require_reserved(run: Run, report: StateReport) -> None:
    if report.attempt > run.attempts and report.state not in (RunState.REFUSED, RunState.CANCELLED):
        raise Conflict(
            _("Attempt %(number)s has reserved no time.") % {"number": report.attempt},
            where="attempt",
            remedy=_("Reserve it first."),
        )


def _path(now: RunState, to: RunState) -> tuple[RunState, ...]:
    """Fill in what nobody told us: a requested run is submitted first; a new attempt may stand where the last stood."""
    if now is to:
        return ()
    if now is RunState.REQUESTED and to not in MOVES[now]:
        return (RunState.SUBMITTED, to)
    return (to,)


def _write_state(run: Run, report: StateReport) -> None:
    run.state_attempt = report.attempt
    if report.job_id:
        run.job_id = report.job_id[:100]
    if report.state is RunState.RUNNING and run.started_at is None:
        run.started_at = report.at
    if report.state in FINAL:
        run.ended_at = report.at
        run.reason = report.reason[:2000]
    run.save(update_fields=["state", "state_attempt", "job_id", "started_at", "ended_at", "reason"])


def _require_papers(run: Run, manifest: RunManifest | None, evaluation: EvaluationReport | None) -> None:
    if manifest is not None:
        wrong = {
            "manifest.run_id": manifest.run_id != run.pk,
            "manifest.dataset_digest": manifest.dataset_digest != run.dataset_digest,
            "manifest.recipe_digest": manifest.recipe_digest != run.recipe_digest,
        }
        _require_none(wrong)
    if evaluation is not None:
        _require_none(
            {
                "evaluation.run_id": evaluation.run_id != run.pk,
                "evaluation.dataset_digest": evaluation.dataset_digest != run.dataset_digest,
            }
        )


def _require_none(wrong: Mapping[str, bool]) -> None:
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise InvalidInput(_("The paper is not about this run."), where=field)


def _as_json(record: RunManifest | EvaluationReport | None) -> dict[str, object] | None:
    return None if record is None else record.model_dump(mode="json")
