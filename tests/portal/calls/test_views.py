"""The pages of calls, proposals and awards: who sees what, query counts, the form with and without JavaScript."""

import re
from datetime import timedelta

import pytest
from tests.portal.calls.factories import REASONS, check, make_award, make_call, make_cast, make_draft, make_submitted
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.calls.forms.proposal import ProposalForm
from kifabrik.portal.calls.models import Award, Proposal
from kifabrik.portal.calls.queries.needs import needs
from kifabrik.portal.calls.services import drafts
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at(settings, monkeypatch, now):
    """Let the pages be read at the moment of the tests."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


def sign_in(client, user):
    client.force_login(user)
    return client


def page(client, url, status=200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def form_data(client, proposal, **changes) -> dict[str, object]:
    """What a browser would send for the form as it is shown, with changes."""
    shown = client.get(f"/proposals/{proposal.pk}/edit/").context
    data = {"version": str(shown["proposal"].version)}
    for form in (shown["sheet"].form, *shown["sheet"].related.forms, *shown["sheet"].aid.forms):
        for field in form:
            value = field.value()
            if isinstance(value, bool):
                data |= {field.html_name: "on"} if value else {}
            elif value is not None:
                data[field.html_name] = value if isinstance(value, list | tuple) else str(value)
    for rows in (shown["sheet"].related, shown["sheet"].aid):
        for field in rows.management_form:
            data[field.html_name] = str(field.value())
    return {**data, **changes}


# lists ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_calls_costs_one_count_of_queries(client, count, django_assert_num_queries) -> None:
    for _ in range(count):
        make_call()

    with django_assert_num_queries(2):
        text = page(client, "/calls/")

    assert text.count("<tr>") == count + 1


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_proposals_costs_one_count_of_queries(client, count, django_assert_num_queries) -> None:
    cast = make_cast()
    for _ in range(count):
        make_submitted(cast)
    sign_in(client, cast.applicant)

    with django_assert_num_queries(6):
        text = page(client, "/proposals/")

    assert text.count("<tr>") == count + 1
    assert "0 of 2" in text


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_awards_costs_one_count_of_queries(client, count, django_assert_num_queries) -> None:
    cast = make_cast()
    for _ in range(count):
        make_award(cast)
    sign_in(client, cast.applicant)

    with django_assert_num_queries(6):
        text = page(client, "/awards/")

    assert text.count("<tr>") == count + 1


def test_empty_lists_say_how_to_begin(client) -> None:
    user = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])

    assert "No call is open now" in page(client, "/calls/")
    assert "No awards here" in page(client, "/awards/")
    assert "kifabrik proposal submit" in page(sign_in(client, user), "/proposals/")


# who sees what -------------------------------------------------------------------------------------------------------


def test_a_visitor_sees_open_calls_and_public_awards_only(client) -> None:
    cast = make_cast()
    hidden = make_award(cast)
    public = make_award(cast, declarations={"may_publish": True}, project={"title": "A public project"})
    planned = make_call(opens_at=cast.call.opens_at.replace(year=2030), title_en="Planned call")

    calls, awards = page(client, "/calls/"), page(client, "/awards/")

    assert "Planned call" not in calls
    assert page(client, f"/calls/{cast.call.pk}/")
    page(client, f"/calls/{planned.pk}/", 404)
    assert "A public project" in awards
    assert hidden.pk not in awards
    shown = page(client, f"/awards/{public.pk}/")
    assert "A public project" in shown
    assert REASONS not in shown
    assert "Paul Programme" not in shown
    page(client, f"/awards/{hidden.pk}/", 404)
    assert client.get("/proposals/").status_code == 302
    assert client.get(f"/proposals/{public.proposal_id}/").status_code == 302


def test_other_tenants_get_404(client) -> None:
    cast = make_cast()
    draft, proposal, award = make_draft(cast), make_submitted(cast), make_award(cast)
    stranger = make_user(roles=[Role.APPLICANT], manages=[make_organisation()])
    sign_in(client, stranger)

    for url in (
        f"/proposals/{draft.pk}/",
        f"/proposals/{draft.pk}/edit/",
        f"/proposals/{proposal.pk}/",
        f"/awards/{award.pk}/",
    ):
        page(client, url, 404)
    for action in ("withdraw", "copy", "technical-check", "decide", "autosave", "estimate"):
        assert client.post(f"/proposals/{proposal.pk}/{action}/").status_code == 404
    assert proposal.pk not in page(client, "/proposals/")


def test_officers_auditors_and_the_sites_operator_see_submitted_proposals_but_no_drafts(client) -> None:
    cast = make_cast()
    draft, proposal = make_draft(cast), make_submitted(cast)
    auditor = make_user(roles=[Role.AUDITOR])

    for person in (cast.officer, cast.operator, auditor):
        sign_in(client, person)
        page(client, f"/proposals/{proposal.pk}/")
        page(client, f"/proposals/{draft.pk}/", 404)
    sign_in(client, make_user(roles=[Role.OPERATOR], site_code="lumi-g"))
    page(client, f"/proposals/{proposal.pk}/", 404)


# the form ------------------------------------------------------------------------------------------------------------


def test_a_draft_is_begun_filled_in_and_submitted_without_javascript(client) -> None:
    cast = make_cast()
    sign_in(client, cast.applicant)

    begun = client.post(f"/proposals/new/?call={cast.call.pk}", {"organisation": cast.organisation.pk})
    draft = Proposal.objects.get()
    assert begun.url == f"/proposals/{draft.pk}/edit/"
    empty = client.post(f"/proposals/{draft.pk}/edit/", form_data(client, draft, action="submit"))
    assert empty.status_code == 422
    text = empty.content.decode()
    assert 'href="#id_project__title"' in text
    assert "This field is required" in text

    whole = make_draft(cast)
    done = client.post(f"/proposals/{whole.pk}/edit/", form_data(client, whole, action="submit"))

    assert done.url == f"/proposals/{whole.pk}/"
    assert Proposal.objects.get(pk=whole.pk).state == "submitted"
    assert "It waits for the technical check" in page(client, f"/proposals/{whole.pk}/")


def test_autosave_notes_the_time_and_what_is_wrong_and_counts_the_version(client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    sign_in(client, cast.applicant)
    data = form_data(client, draft, project__title="A better title", work__parameters="many")

    answer = client.post(f"/proposals/{draft.pk}/autosave/", data).content.decode()

    saved = Proposal.objects.get(pk=draft.pk)
    assert "Saved at 10:00:00" in answer
    assert 'href="#id_work__parameters"' in answer
    assert (saved.title, saved.version) == ("A better title", 2)
    assert saved.answers["work"]["parameters"] == 1_060_000
    assert re.search(r'id="id_version" value="2"[^>]+hx-swap-oob="true"', answer)


def test_autosave_tells_of_a_lost_update(client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    sign_in(client, cast.applicant)
    data = form_data(client, draft, project__title="Mine")
    drafts.save(
        by=cast.applicant, proposal=draft, answers={"project": {"title": "Yours"}}, version=1, now=draft.changed_at
    )

    answer = client.post(f"/proposals/{draft.pk}/autosave/", data)

    assert answer.status_code == 200
    assert "Somebody else saved this draft" in answer.content.decode()
    assert Proposal.objects.get(pk=draft.pk).title == "Yours"


def test_an_emptied_field_is_missing_again(client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    sign_in(client, cast.applicant)

    answer = client.post(f"/proposals/{draft.pk}/autosave/", form_data(client, draft, project__sector=""))

    assert "1 answer is still missing" in answer.content.decode()
    assert "sector" not in Proposal.objects.get(pk=draft.pk).answers["project"]


def test_rows_of_related_enterprises_are_added_saved_and_removed(client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    sign_in(client, cast.applicant)
    url = f"/proposals/{draft.pk}/edit/"

    added = client.post(url, form_data(client, draft, action="add-related"))
    assert 'name="related-0-name"' in added.content.decode()
    row = {
        "related-TOTAL_FORMS": "1",
        "related-0-name": "Mutter AG",
        "related-0-share_percent": "60",
        "related-0-headcount": "400",
        "related-0-turnover_euro": "90000000",
        "related-0-balance_euro": "90000000",
    }
    client.post(url, form_data(client, draft, action="save", **row))
    saved = Proposal.objects.get(pk=draft.pk)
    assert saved.answers["organisation"]["related"][0]["name"] == "Mutter AG"

    checked = client.post(url, form_data(client, saved, action="check")).content.decode()
    assert "412 heads" in checked
    assert "eligibility.not-free-for-large" in checked

    client.post(url, form_data(client, saved, action="save", **{"related-0-DELETE": "on"}))
    assert Proposal.objects.get(pk=draft.pk).answers["organisation"]["related"] == []


def test_the_estimate_follows_the_sizes(client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    sign_in(client, cast.applicant)
    sizes = {
        "work__parameters": "7000000000",
        "work__training_tokens": "2000000000",
        "resources__system_code": "lumi-g",
    }

    answer = client.post(f"/proposals/{draft.pk}/estimate/", form_data(client, draft, **sizes)).content.decode()
    nothing = client.post(f"/proposals/{draft.pk}/estimate/", form_data(client, draft, work__parameters=""))

    assert "182.7 GPU-hours" in answer
    assert "You ask for less than that" in answer
    assert "Fill in model size" in nothing.content.decode()
    assert Proposal.objects.get(pk=draft.pk).version == 1


def test_a_submitted_proposal_cannot_be_edited(client) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    sign_in(client, cast.applicant)

    page(client, f"/proposals/{proposal.pk}/edit/", 409)


def test_without_a_call_one_is_chosen_first(client) -> None:
    cast = make_cast()
    sign_in(client, cast.applicant)

    assert f"?call={cast.call.pk}" in page(client, "/proposals/new/")
    page(client, "/proposals/new/?call=no-such-call", 404)
    assert client.post(f"/proposals/new/?call={cast.call.pk}", {"organisation": "somebody-elses"}).status_code == 422
    sign_in(client, cast.officer)
    page(client, "/proposals/new/", 403)


def test_a_text_that_is_too_short_is_said_at_its_field(client) -> None:
    cast = make_cast()
    draft = make_draft(cast, project={"summary": "Too short."})
    sign_in(client, cast.applicant)

    answer = client.post(f"/proposals/{draft.pk}/edit/", form_data(client, draft, action="submit"))

    assert answer.status_code == 422
    assert 'href="#id_project__summary"' in answer.content.decode()
    assert Proposal.objects.get(pk=draft.pk).state == "draft"


def test_what_only_a_service_can_refuse_is_shown_above_the_form(client) -> None:
    cast = make_cast(system_codes=["laptop"])
    draft = make_draft(cast)
    sign_in(client, cast.applicant)
    data = form_data(client, draft, action="submit")
    cast.call.closes_at = draft.changed_at - timedelta(minutes=1)
    cast.call.save()

    answer = client.post(f"/proposals/{draft.pk}/edit/", data)

    assert answer.status_code == 409
    assert "This call is closed" in answer.content.decode()


def test_an_error_of_a_service_finds_its_field() -> None:
    draft = make_draft(make_cast())
    form = ProposalForm({}, proposal=draft)

    form.take_error(InvalidInput("too short.", where="project.summary", remedy="Write more."))
    form.take_error(InvalidInput("strange.", where="organisation.related.0.name"))

    form.right_answers()
    assert "too short. Write more." in form.errors["project__summary"]
    assert form.non_field_errors() == ["strange."]


def test_a_wrong_row_is_said_above_the_form(client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    sign_in(client, cast.applicant)
    row = {"related-TOTAL_FORMS": "1", "related-0-name": "Mutter AG", "related-0-share_percent": "160"}

    answer = client.post(f"/proposals/{draft.pk}/edit/", form_data(client, draft, action="submit", **row))

    assert answer.status_code == 422
    text = answer.content.decode()
    assert 'href="#id_related-0-share_percent"' in text


def test_a_proposal_is_withdrawn_on_its_page(client) -> None:
    cast = make_cast()
    related = [{"name": "Schwester GmbH", "share_percent": 30, "headcount": 4, "exception": "university"}]
    proposal = make_submitted(cast, organisation={"related": related})
    sign_in(client, cast.applicant)

    assert "Schwester GmbH: 30 %, 4 staff (university" in page(client, f"/proposals/{proposal.pk}/")
    assert client.post(f"/proposals/{proposal.pk}/withdraw/").status_code == 302
    assert Proposal.objects.get(pk=proposal.pk).state == "withdrawn"


# checks and decisions ------------------------------------------------------------------------------------------------


def test_from_technical_check_to_award_on_the_pages(client) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    url = f"/proposals/{proposal.pk}/"

    sign_in(client, cast.operator)
    assert "Record the check" in page(client, url)
    short = {"outcome": "passed", "system_code": "laptop", "accepted_hours": "9", "reasons": REASONS}
    assert client.post(f"{url}technical-check/", short).status_code == 422
    assert client.post(f"{url}technical-check/", {**short, "accepted_hours": "4.5"}).status_code == 302

    sign_in(client, cast.officer)
    assert client.post(f"{url}decide/", {"outcome": "awarded", "reasons": "ok"}).status_code == 422
    assert client.post(f"{url}decide/", {"outcome": "awarded", "reasons": REASONS}).status_code == 302

    award = Award.objects.get()
    sign_in(client, cast.applicant)
    assert award.gpu_seconds == 4.5 * 3600
    assert "Dear Ada Applicant" in page(client, url)
    assert "4.5" in page(client, f"/awards/{award.pk}/")
    assert "Accept the award, and the allocation opens at once" in page(client, f"/awards/{award.pk}/")


def test_nobody_else_is_offered_the_check_or_the_decision(client) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    sign_in(client, cast.officer)
    assert "Record the check" not in page(client, f"/proposals/{proposal.pk}/")
    assert client.post(f"/proposals/{proposal.pk}/technical-check/", {}).status_code == 422
    check(cast, proposal)
    assert ">Decide<" in page(client, f"/proposals/{proposal.pk}/")
    sign_in(client, cast.applicant)
    assert ">Decide<" not in page(client, f"/proposals/{proposal.pk}/")
    good = {"outcome": "awarded", "reasons": REASONS}
    assert client.post(f"/proposals/{proposal.pk}/decide/", good).status_code == 403


def test_a_refused_proposal_can_be_copied_into_the_right_call(client) -> None:
    cast = make_cast()
    proposal = make_submitted(cast, resources={"gpu_hours": 20_000})
    fast_lane = make_call(mode_code="fast-lane", title_en="Fast Lane 2026")
    sign_in(client, cast.applicant)

    text = page(client, f"/proposals/{proposal.pk}/")
    copied = client.post(f"/proposals/{proposal.pk}/copy/", {"call": fast_lane.pk})

    assert "Fast Lane 2026 (the right mode for this proposal)" in text
    assert Proposal.objects.get(call=fast_lane).state == "draft"
    assert copied.status_code == 302


def test_german_readers_get_german_findings_and_letters(client) -> None:
    cast = make_cast(kind="large-enterprise", legal_name="Big AG")
    cast.applicant.language = "de"
    cast.applicant.save()
    proposal = make_submitted(
        cast, organisation={"headcount": 400, "turnover_euro": 9 * 10**7, "balance_euro": 9 * 10**7}
    )
    sign_in(client, cast.applicant)

    text = page(client, f"/proposals/{proposal.pk}/")

    assert "zählt als Großunternehmen" in text
    assert "Guten Tag Ada Applicant" in text


def test_an_officer_opens_and_closes_a_call_on_the_pages(client) -> None:
    cast = make_cast()
    data = {
        "code": "new-call",
        "mode_code": "fast-lane",
        "title_en": "New",
        "title_de": "Neu",
        "system_codes": ["lumi-g"],
        "capacity_hours": "100000",
        "opens_at": "2026-11-01T10:00",
    }
    sign_in(client, cast.applicant)
    page(client, "/calls/new/", 403)
    sign_in(client, cast.officer)

    assert client.post("/calls/new/", {**data, "code": cast.call.pk}).status_code == 422
    assert client.post("/calls/new/", data).url == "/calls/new-call/"
    assert "10,000–50,000" in page(client, "/calls/new-call/") or "10000–50000" in page(client, "/calls/new-call/")
    assert client.post("/calls/new-call/close/").status_code == 302


# what needs a person -------------------------------------------------------------------------------------------------


def test_everybody_is_told_what_waits_for_them(now) -> None:
    cast = make_cast()
    make_draft(cast)
    unchecked, checked = make_submitted(cast), make_submitted(cast)
    check(cast, checked)
    award = make_award(cast)
    own = make_user(roles=[Role.PROGRAMME_OFFICER, Role.OPERATOR], organisations=[cast.organisation])

    urls = {person: {need.url for need in needs(person, now=now)} for person in (cast.applicant, cast.operator)}

    assert f"/awards/{award.pk}/" in urls[cast.applicant]
    assert any(url.endswith("/edit/") for url in urls[cast.applicant])
    assert urls[cast.operator] == {f"/proposals/{unchecked.pk}/"}
    assert {need.url for need in needs(cast.officer, now=now)} == {f"/proposals/{checked.pk}/"}
    assert needs(own, now=now) == []
    assert needs(make_user(), now=now) == []
