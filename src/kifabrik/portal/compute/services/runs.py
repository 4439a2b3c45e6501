"""Starts and cancels runs inside allocations. Knows budgets and periods, not what a recipe does."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.core.quantities import format_duration
from kifabrik.funding.estimate import Estimate
from kifabrik.funding.reference import System
from kifabrik.funding.units import billed_seconds
from kifabrik.portal.compute.models import Allocation, Run
from kifabrik.portal.compute.queries import viewers
from kifabrik.portal.compute.queries.budgets import spendable
from kifabrik.portal.compute.queries.machines import system_of
from kifabrik.portal.compute.services import books, files
from kifabrik.portal.compute.services.files import FileEntry
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit
from kifabrik.records import Recipe
from kifabrik.records.run_state import FINAL, RunState

# Kept as it is here and translated for each reader.
CANCELLED_EARLY = gettext_noop("Cancelled before it began.")


def start(
    *,
    by: User,
    allocation: Allocation,
    recipe: Recipe,
    dataset_digest: str,
    inputs: Sequence[object],
    estimate: Estimate,
    devices: int = 1,
    now: datetime,
) -> Run:
    """Request a run; the site's agent fetches it, reserves its time and submits it.

    `inputs` lists the dataset folder as [{path, digest, size_bytes}]. A run holds `devices`, or as many as its recipe
    says (nodes x processes per node) if those are more. It may use at most its time limit on all of them, so that much
    is promised now, reserved when it is submitted, and what it does not use comes back. Raises Refused without the
    right, InvalidInput for inputs that are not stored, Conflict for a closed, paused or ended allocation and for a
    budget that is too small.
    """
    access.require(by, Permission.RUN_WRITE, organisation=allocation.organisation_id)
    entries = files.read_entries(inputs)
    _require_inputs(entries)
    files.require_held(organisation=allocation.organisation, entries=entries)
    devices = max(devices, recipe.hardware.nodes * recipe.hardware.processes_per_node)
    needed = gpu_seconds_needed(estimate, devices=devices, system=system_of(allocation.site))
    with transaction.atomic():
        allocation = books.lock(allocation.pk)
        _require_open(allocation, today=timezone.localdate(now))
        _require_devices(allocation, devices)
        _require_affordable(needed, left=spendable(allocation.pk), unit=allocation.site.unit)
        run = Run.objects.create(
            allocation=allocation,
            organisation=allocation.organisation,
            started_by=by,
            name=recipe.name,
            recipe=recipe.model_dump(mode="json"),
            recipe_digest=recipe.digest(),
            dataset_digest=dataset_digest,
            inputs=[asdict(entry) for entry in entries],
            estimate=asdict(estimate),
            reserved_gpu_seconds=needed,
            time_limit_seconds=estimate.time_limit_seconds,
            devices=devices,
            requested_at=now,
        )
        about: dict[str, Json] = {
            "allocation": allocation.pk,
            "recipe_digest": run.recipe_digest,
            "dataset_digest": dataset_digest,
        }
        audit.append(
            by=by,
            verb="run.requested",
            what=run,
            organisation=allocation.organisation,
            details={**about, "gpu_seconds_at_most": needed},
            now=now,
        )
    return run


def cancel(*, by: User, run: Run, now: datetime) -> Run:
    """Ask a run to stop; one that no site has begun ends at once. Cancelling twice is no error.

    Raises Refused without the right, Conflict for a run that has ended otherwise.
    """
    if not (viewers.may_run(by, run.allocation) or viewers.may_manage(by, run.allocation)):
        raise Refused(
            _("You may not cancel this run."), remedy=_("Ask a member of the organisation with the applicant's role.")
        )
    with transaction.atomic():
        allocation = books.lock(run.allocation_id)
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.state == RunState.CANCELLED or (run.wanted == "stop" and run.state not in FINAL):
            return run
        if run.state in FINAL:
            raise Conflict(_("This run has ended already."), where=run.pk)
        run.wanted = "stop"
        if run.state == RunState.REQUESTED and run.attempts == 0:
            run.state, run.ended_at = RunState.CANCELLED, now
            run.reason = CANCELLED_EARLY
        run.save(update_fields=["wanted", "state", "ended_at", "reason"])
        verb = "run.cancelled" if run.state == RunState.CANCELLED else "run.stop-asked"
        audit.append(by=by, verb=verb, what=run, organisation=allocation.organisation, now=now)
    return run


def gpu_seconds_needed(estimate: Estimate, *, devices: int = 1, system: System | None = None) -> int:
    """Work out what one attempt reserves: all it may use until its time limit ends it, never less than estimated."""
    return max(estimate.gpu_seconds, billed_seconds(estimate.time_limit_seconds * devices, system))


def _require_inputs(entries: Sequence[FileEntry]) -> None:
    if not entries:
        raise InvalidInput(
            _("A run needs the files of its dataset."),
            where="inputs",
            remedy=_("Register the dataset folder first: kifabrik dataset register FOLDER."),
        )


def _require_open(allocation: Allocation, *, today: date) -> None:
    if allocation.state != "open":
        raise Conflict(
            _("The allocation is not open: %(reason)s") % {"reason": allocation.reason or allocation.state},
            where=allocation.pk,
            remedy=_("Choose another allocation, or ask the programme officer."),
        )
    if not allocation.starts_on <= today <= allocation.ends_on:
        raise Conflict(
            _("The allocation can be used from %(first)s to %(last)s only.")
            % {"first": allocation.starts_on.isoformat(), "last": allocation.ends_on.isoformat()},
            where=allocation.pk,
        )


def _require_devices(allocation: Allocation, devices: int) -> None:
    if not 1 <= devices <= allocation.site.devices:
        raise InvalidInput(
            ngettext(
                "The run needs %(needed)s device and the site has %(count)s.",
                "The run needs %(needed)s devices and the site has %(count)s.",
                devices,
            )
            % {"needed": devices, "count": allocation.site.devices},
            where="devices",
            remedy=_("Ask for fewer nodes or fewer processes on each node in the recipe."),
        )


def _require_affordable(needed: int, *, left: int, unit: str) -> None:
    if needed > left:
        raise Conflict(
            _("The run may need %(needed)s of %(unit)s time, and %(left)s are left.")
            % {"needed": format_duration(needed), "unit": unit, "left": format_duration(max(0, left))},
            where="budget",
            remedy=_("Make the run smaller (fewer steps or less time), or wait until running work has given back."),
            code="budget-too-small",
        )
