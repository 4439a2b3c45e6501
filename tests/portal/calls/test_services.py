"""Drafts, submission, checks and decisions: each rule and role, kept and broken."""

from datetime import date, timedelta

import pytest
from tests.portal.calls.factories import (
    HOUR,
    NOW,
    REASONS,
    check,
    decide,
    make_award,
    make_call,
    make_cast,
    make_draft,
    make_submitted,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.portal.calls.models import Award, Check, Decision, Proposal
from kifabrik.portal.calls.queries.proposals import findings_of
from kifabrik.portal.calls.services import calls, decisions, drafts, proposals
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.audit import events_about

pytestmark = pytest.mark.django_db


def verbs(thing) -> list[str]:
    return [event.verb for event in events_about(type(thing).__name__.lower(), thing.pk)]


def codes(check_row: Check, *, severity=("blocking",)) -> list[str]:
    return [row["code"] for row in check_row.findings if row["severity"] in severity]


# calls ---------------------------------------------------------------------------------------------------------------


def test_a_call_keeps_the_rules_it_was_made_with() -> None:
    call = make_call(size_max=700)

    assert call.mode_rules["size_max"] == 700
    assert call.mode_rules["grade"] == "B"
    assert verbs(call) == ["call.opened"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"mode_code": "playgroud"}, "mode_code"),
        ({"system_codes": ["hal-9000"]}, "system_codes"),
        ({"system_codes": []}, "system_codes"),
        ({"capacity_gpu_seconds": 0}, "capacity_gpu_seconds"),
        ({"closes_at": NOW - timedelta(days=20)}, "closes_at"),
        ({"title_de": " "}, "title_en"),
        ({"mode_code": "fast-lane", "size_max": 5}, "size_max"),
    ],
)
def test_a_wrong_call_names_the_field(changes, where) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_call(**changes)

    assert caught.value.where == where


def test_only_officers_open_and_close_calls() -> None:
    cast = make_cast()
    fields = {"mode_code": "playground", "title_en": "x", "title_de": "x", "system_codes": ["laptop"]}

    with pytest.raises(Refused):
        calls.open_call(by=cast.applicant, code="x", capacity_gpu_seconds=1, opens_at=NOW, now=NOW, **fields)
    with pytest.raises(Refused):
        calls.close_call(by=cast.operator, call=cast.call, now=NOW)
    closed = calls.close_call(by=cast.officer, call=cast.call, now=NOW)

    assert closed.closes_at == NOW
    assert calls.close_call(by=cast.officer, call=cast.call, now=NOW).closes_at == NOW
    assert verbs(closed) == ["call.opened", "call.closed"]


def test_a_call_code_is_taken_once() -> None:
    make_call("same")

    with pytest.raises(Conflict):
        make_call("same")


# drafts --------------------------------------------------------------------------------------------------------------


def test_a_draft_begins_with_what_the_portal_knows() -> None:
    cast = make_cast(legal_name="Textwerk GmbH")

    draft = drafts.create(by=cast.applicant, call=cast.call, organisation=cast.organisation, now=NOW)

    assert draft.answers["organisation"] == {"legal_name": "Textwerk GmbH", "country": "DE", "kind": "start-up"}
    assert draft.answers["team"]["investigator_name"] == "Ada Applicant"
    assert (draft.state, draft.version, verbs(draft)) == ("draft", 1, ["proposal.created"])


def test_saving_merges_fields_and_counts_versions() -> None:
    cast = make_cast()
    draft = drafts.create(by=cast.applicant, call=cast.call, organisation=cast.organisation, now=NOW)

    first = drafts.save(by=cast.applicant, proposal=draft, answers={"project": {"title": "One"}}, version=1, now=NOW)
    second = drafts.save(
        by=cast.applicant, proposal=draft, answers={"project": {"sector": "Health"}}, version=2, now=NOW
    )

    assert (first.version, second.version, second.title) == (2, 3, "One")
    assert second.answers["project"] == {"title": "One", "sector": "Health"}
    assert verbs(draft) == ["proposal.created", "proposal.saved", "proposal.saved"]


def test_saving_nothing_new_writes_nothing() -> None:
    cast = make_cast()
    draft = make_draft(cast)

    same = drafts.save(by=cast.applicant, proposal=draft, answers={"project": {}}, version=99, now=NOW)

    assert (same.version, verbs(draft)) == (1, ["proposal.created"])


def test_a_lost_update_is_refused() -> None:
    cast = make_cast()
    draft = make_draft(cast)
    drafts.save(by=cast.applicant, proposal=draft, answers={"project": {"title": "Mine"}}, version=1, now=NOW)

    with pytest.raises(Conflict) as caught:
        drafts.save(by=cast.applicant, proposal=draft, answers={"project": {"title": "Yours"}}, version=1, now=NOW)

    assert caught.value.code == "lost-update"
    assert Proposal.objects.get(pk=draft.pk).title == "Mine"


@pytest.mark.parametrize(
    ("answers", "where"),
    [({"projekt": {}}, "projekt"), ({"project": "text"}, "project"), ({"project": {"x": "y" * 300_000}}, "answers")],
)
def test_a_draft_takes_sections_only(answers, where) -> None:
    cast = make_cast()

    with pytest.raises(InvalidInput) as caught:
        drafts.save(by=cast.applicant, proposal=make_draft(cast), answers=answers, version=1, now=NOW)

    assert caught.value.where == where


def test_an_applicant_cannot_claim_another_organisation_in_the_answers() -> None:
    cast = make_cast(kind="large-enterprise", legal_name="Big AG")
    draft = make_draft(cast)

    saved = drafts.save(
        by=cast.applicant,
        proposal=draft,
        answers={"organisation": {"kind": "start-up", "legal_name": "Small GmbH", "country": "XX"}},
        version=1,
        now=NOW,
    )

    facts = saved.answers["organisation"]
    assert (facts["kind"], facts["legal_name"], facts["country"]) == ("large-enterprise", "Big AG", "DE")


def test_strangers_and_readers_write_no_drafts() -> None:
    cast = make_cast()
    draft = make_draft(cast)
    reader = make_user(organisations=[cast.organisation])
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])

    for person in (reader, stranger, cast.officer, cast.operator):
        with pytest.raises(Refused):
            drafts.create(by=person, call=cast.call, organisation=cast.organisation, now=NOW)
        with pytest.raises(Refused):
            drafts.save(by=person, proposal=draft, answers={}, version=1, now=NOW)
        with pytest.raises(Refused):
            proposals.submit(by=person, proposal=draft, now=NOW)
        with pytest.raises(Refused):
            proposals.withdraw(by=person, proposal=draft, now=NOW)


@pytest.mark.parametrize("moment", [{"opens_at": NOW + timedelta(days=1)}, {"closes_at": NOW - timedelta(minutes=1)}])
def test_a_call_that_is_not_open_takes_no_draft(moment) -> None:
    cast = make_cast(**moment)

    with pytest.raises(Conflict):
        make_draft(cast)


# submission ----------------------------------------------------------------------------------------------------------


def test_submission_checks_by_rule_at_once() -> None:
    cast = make_cast()

    proposal = make_submitted(cast)

    row = proposal.checks.get()
    assert (proposal.state, row.kind, row.outcome, row.by) == ("submitted", "eligibility", "passed", None)
    assert proposal.submitted_at == NOW
    assert proposal.answers["schema_version"] == 1
    assert verbs(proposal) == ["proposal.created", "proposal.submitted", "proposal.checked"]


def test_a_missing_field_is_named_and_nothing_happens() -> None:
    cast = make_cast()
    draft = drafts.create(by=cast.applicant, call=cast.call, organisation=cast.organisation, now=NOW)

    with pytest.raises(InvalidInput) as caught:
        proposals.submit(by=cast.applicant, proposal=draft, now=NOW)

    assert caught.value.where == "organisation.headcount"
    assert Proposal.objects.get(pk=draft.pk).state == "draft"
    assert Check.objects.count() == 0


def test_a_system_that_the_call_does_not_offer_is_named() -> None:
    cast = make_cast()
    draft = make_draft(cast, resources={"system_code": "jupiter"})

    with pytest.raises(InvalidInput) as caught:
        proposals.submit(by=cast.applicant, proposal=draft, now=NOW)

    assert caught.value.where == "resources.system_code"


def test_a_call_that_closed_meanwhile_takes_no_submission() -> None:
    cast = make_cast(closes_at=NOW + timedelta(hours=1))
    draft = make_draft(cast)

    with pytest.raises(Conflict) as caught:
        proposals.submit(by=cast.applicant, proposal=draft, now=NOW + timedelta(hours=1))

    assert caught.value.code == "call-closed"


def test_a_large_firm_is_refused_with_reason_and_what_to_do() -> None:
    cast = make_cast(kind="large-enterprise", legal_name="Big AG")
    figures = {"headcount": 400, "turnover_euro": 90_000_000, "balance_euro": 80_000_000}

    proposal = make_submitted(cast, organisation=figures)

    decision = Decision.objects.get(proposal=proposal)
    assert proposal.state == "ineligible"
    assert codes(proposal.checks.get()) == ["eligibility.not-free-for-large"]
    assert decision.outcome == "ineligible"
    assert decision.by is None
    assert "400 heads" in decision.letter_en
    assert "pay for use" in decision.letter_en
    assert "Großunternehmen" in decision.letter_de
    assert "Überprüfung" in decision.letter_de
    assert verbs(proposal)[-1] == "proposal.ineligible"


def test_a_wrong_size_is_routed_to_the_right_mode_and_copied_with_all_answers() -> None:
    cast = make_cast()
    proposal = make_submitted(cast, resources={"gpu_hours": 20_000})
    fast_lane = make_call(mode_code="fast-lane", system_codes=["lumi-g"], capacity_gpu_seconds=10**9)

    copied = drafts.copy(by=cast.applicant, proposal=proposal, call=fast_lane, now=NOW)

    assert proposal.state == "ineligible"
    assert codes(proposal.checks.get()) == ["eligibility.reroute-size"]
    assert "Fast Lane" in findings_of(proposal.checks.get())[0].message
    assert copied.answers["project"] == proposal.answers["project"]
    assert copied.answers["resources"]["system_code"] == "lumi-g"
    assert proposals.submit(by=cast.applicant, proposal=copied, now=NOW).state == "submitted"


def test_a_proposal_is_submitted_once() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)

    with pytest.raises(Conflict):
        proposals.submit(by=cast.applicant, proposal=proposal, now=NOW)
    with pytest.raises(Conflict):
        drafts.save(by=cast.applicant, proposal=proposal, answers={}, version=1, now=NOW)


def test_withdrawing_ends_a_proposal_but_not_a_decided_one() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    award = make_award(cast)

    assert proposals.withdraw(by=cast.applicant, proposal=proposal, now=NOW).state == "withdrawn"
    assert proposals.withdraw(by=cast.applicant, proposal=proposal, now=NOW).state == "withdrawn"
    with pytest.raises(Conflict):
        proposals.withdraw(by=cast.applicant, proposal=award.proposal, now=NOW)
    with pytest.raises(Conflict):
        check(cast, proposal)


# technical check -----------------------------------------------------------------------------------------------------


def test_the_operator_of_the_asked_system_may_accept_less() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)

    row = check(cast, proposal, accepted_gpu_seconds=2 * HOUR)

    assert (row.outcome, row.accepted_gpu_seconds, row.system_code, row.by) == (
        "passed",
        2 * HOUR,
        "laptop",
        cast.operator,
    )
    assert verbs(proposal)[-1] == "proposal.technically-checked"


def test_without_an_amount_all_that_was_asked_is_accepted() -> None:
    cast = make_cast()

    assert check(cast, make_submitted(cast)).accepted_gpu_seconds == 5 * HOUR


def test_who_may_check_technically() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    elsewhere = make_user(roles=[Role.OPERATOR], site_code="lumi-g")
    own = make_user(roles=[Role.OPERATOR], organisations=[cast.organisation])

    for person in (cast.applicant, cast.officer, elsewhere, own):
        with pytest.raises(Refused):
            check(cast, proposal, by=person)
    assert check(cast, proposal, by=make_user(roles=[Role.OPERATOR])).outcome == "passed"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"accepted_gpu_seconds": 6 * HOUR}, "accepted_gpu_seconds"),
        ({"accepted_gpu_seconds": 0}, "accepted_gpu_seconds"),
        ({"system_code": "jupiter"}, "system_code"),
        ({"outcome": "maybe"}, "outcome"),
    ],
)
def test_a_wrong_check_names_the_field(fields, where) -> None:
    cast = make_cast()

    with pytest.raises(InvalidInput) as caught:
        check(cast, make_submitted(cast), **fields)

    assert caught.value.where == where


def test_the_check_is_made_once_and_needs_reasons() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)

    with pytest.raises(InvalidInput, match="reasons"):
        decisions.check_technically(by=cast.operator, proposal=proposal, outcome="passed", reasons="ok", now=NOW)
    check(cast, proposal)
    with pytest.raises(Conflict):
        check(cast, proposal)


def test_a_draft_and_an_ineligible_proposal_wait_for_no_check() -> None:
    cast = make_cast()
    ineligible = make_submitted(cast, declarations={"civil_use": False})

    assert ineligible.state == "ineligible"
    for proposal in (make_draft(cast), ineligible):
        with pytest.raises(Conflict):
            check(cast, proposal)


# decision ------------------------------------------------------------------------------------------------------------


def test_an_award_takes_what_the_site_accepted_and_writes_letters() -> None:
    cast = make_cast()
    proposal = make_submitted(cast, declarations={"may_publish": True})
    check(cast, proposal, accepted_gpu_seconds=2 * HOUR)

    decision = decide(cast, proposal, now=NOW + timedelta(days=1))

    award = decision.award
    assert (award.gpu_seconds, award.system_code, award.is_public) == (2 * HOUR, "laptop", True)
    assert (award.starts_on, award.ends_on) == (date(2026, 12, 1), date(2027, 2, 28))
    assert Proposal.objects.get(pk=proposal.pk).state == "awarded"
    assert "2 CPU-hours on This computer, from 1 December 2026 to 28 February 2027" in decision.letter_en
    assert "You asked for 5 CPU-hours" in decision.letter_en
    assert "The decision took 1 working day from 24 November 2026; this mode promises 2." in decision.letter_en
    assert "2 CPU-Stunden" in decision.letter_de
    assert REASONS in decision.letter_de
    assert verbs(award) == ["award.given"]
    assert verbs(proposal)[-1] == "proposal.awarded"


def test_a_start_in_the_past_becomes_the_day_of_the_decision() -> None:
    cast = make_cast()

    award = make_award(cast, resources={"starts_on": "2026-10-01", "duration_months": 1})

    assert (award.starts_on, award.ends_on) == (date(2026, 11, 24), date(2026, 12, 23))
    assert not award.is_public


def test_who_may_decide() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    check(cast, proposal)
    both = make_user(roles=[Role.PROGRAMME_OFFICER, Role.OPERATOR])
    own = make_user(roles=[Role.PROGRAMME_OFFICER], organisations=[cast.organisation])

    for person in (cast.applicant, cast.operator, own, make_user(roles=[Role.AUDITOR])):
        with pytest.raises(Refused):
            decide(cast, proposal, by=person)
    assert decide(cast, proposal, by=both).outcome == "awarded"


def test_the_decision_needs_a_second_pair_of_eyes() -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    both = make_user(roles=[Role.PROGRAMME_OFFICER, Role.OPERATOR])
    check(cast, proposal, by=both)

    with pytest.raises(Refused) as caught:
        decide(cast, proposal, by=both)

    assert caught.value.code == "second-person"


def test_no_award_before_or_after_a_failed_technical_check() -> None:
    cast = make_cast()
    unchecked, failed = make_submitted(cast), make_submitted(cast)
    check(cast, failed, outcome="failed")

    for proposal in (unchecked, failed):
        with pytest.raises(Conflict):
            decide(cast, proposal)
    assert decide(cast, failed, outcome="rejected").outcome == "rejected"
    assert Award.objects.count() == 0
    assert Proposal.objects.get(pk=failed.pk).state == "rejected"


def test_a_call_gives_no_more_than_it_has() -> None:
    cast = make_cast(capacity_gpu_seconds=7 * HOUR)
    make_award(cast)
    second = make_submitted(cast)
    check(cast, second)

    with pytest.raises(Conflict) as caught:
        decide(cast, second)

    assert caught.value.code == "call-used-up"
    assert Award.objects.count() == 1


def test_a_panel_mode_is_not_decided_by_one_person() -> None:
    cast = make_cast(mode_code="large-scale", system_codes=["laptop"], capacity_gpu_seconds=10**10)
    asked = {"gpu_hours": 60_000, "duration_months": 6}
    proposal = make_submitted(cast, resources=asked)
    check(cast, proposal)

    with pytest.raises(Conflict, match="panel"):
        decide(cast, proposal)


def test_a_decision_is_made_once() -> None:
    cast = make_cast()
    award = make_award(cast)

    with pytest.raises(Conflict):
        decide(cast, award.proposal, outcome="rejected")
