"""Makes calls, proposals and their people for tests, through the services."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.funding.sample import raw
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.portal.calls.models import Call, Proposal
from kifabrik.portal.calls.services import calls, decisions, drafts, proposals
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Role

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = 3600
REASONS = "The work fits the machine and the amount is justified."
_numbers = count(1)


def make_call(code="", *, mode_code="playground", system_codes=("laptop", "lumi-g"), **fields) -> Call:
    """Open a call as the factory itself."""
    values = {
        "title_en": "Playground 2026",
        "title_de": "Playground 2026 (deutsch)",
        "capacity_gpu_seconds": 10_000 * HOUR,
        "opens_at": NOW - timedelta(days=10),
        **fields,
    }
    return calls.open_call(
        by=None,
        code=code or f"call-{next(_numbers)}",
        mode_code=mode_code,
        system_codes=system_codes,
        now=values["opens_at"],
        **values,
    )


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody a proposal meets."""

    organisation: Organisation
    applicant: User
    operator: User
    officer: User
    call: Call


def make_cast(*, kind="start-up", country="DE", legal_name=None, **call) -> Cast:
    """Make an applicant who manages their organisation, the operator of the laptop, an officer, and an open call."""
    organisation = make_organisation(legal_name, kind=kind, country=country)
    return Cast(
        organisation=organisation,
        applicant=make_user(roles=[Role.APPLICANT], manages=[organisation], name="Ada Applicant"),
        operator=make_user(roles=[Role.OPERATOR], site_code="laptop", name="Olga Operator"),
        officer=make_user(roles=[Role.PROGRAMME_OFFICER], name="Paul Programme"),
        call=make_call(**call),
    )


def make_draft(cast: Cast, *, now=NOW, **sections) -> Proposal:
    """Begin a whole draft; each named section is changed."""
    return drafts.create(
        by=cast.applicant, call=cast.call, organisation=cast.organisation, answers=raw(**sections), now=now
    )


def make_submitted(cast: Cast, *, now=NOW, **sections) -> Proposal:
    """Submit a proposal."""
    return proposals.submit(by=cast.applicant, proposal=make_draft(cast, now=now, **sections), now=now)


def check(cast: Cast, proposal: Proposal, *, by=None, outcome="passed", now=NOW, **fields):
    """Check a proposal technically."""
    return decisions.check_technically(
        by=by or cast.operator, proposal=proposal, outcome=outcome, reasons=REASONS, now=now, **fields
    )


def decide(cast: Cast, proposal: Proposal, *, by=None, outcome="awarded", now=NOW):
    """Decide a proposal."""
    return decisions.decide(by=by or cast.officer, proposal=proposal, outcome=outcome, reasons=REASONS, now=now)


def make_award(cast: Cast, *, now=NOW, **sections):
    """Bring a proposal all the way to its award."""
    proposal = make_submitted(cast, now=now, **sections)
    check(cast, proposal, now=now)
    return decide(cast, proposal, now=now).award
