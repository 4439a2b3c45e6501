"""The REST API of calls: the whole way by tokens, scopes, other tenants, problems."""

import pytest
from tests.funding.sample import raw
from tests.portal.calls.factories import HOUR, REASONS, make_award, make_cast, make_submitted
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture(autouse=True)
def _at(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


class Caller:
    """One person's program."""

    def __init__(self, client, user, *, scopes=(Scope.READ, Scope.WRITE)):
        self.client, self.headers = client, bearer(make_token(user, scopes=scopes))

    def __call__(self, method, path, body=None, status=200):
        send = getattr(self.client, method)
        extra = {} if method == "get" else {"data": body or {}, "content_type": "application/json"}
        answer = send(API + path, headers=self.headers, **extra)
        assert answer.status_code == status, answer.content.decode()
        return answer.json()


def test_from_draft_to_award_by_programs(client) -> None:
    cast = make_cast()
    ask, check, decide = (Caller(client, user) for user in (cast.applicant, cast.operator, cast.officer))

    draft = ask("post", "/proposals", {"call": cast.call.pk, "organisation": cast.organisation.pk}, 201)
    saved = ask("patch", f"/proposals/{draft['id']}", {"answers": raw(), "version": 1})
    submitted = ask("post", f"/proposals/{draft['id']}/submit")
    verdict = {"outcome": "passed", "reasons": REASONS, "accepted_gpu_seconds": 3 * HOUR, "system_code": "laptop"}
    check("post", f"/proposals/{draft['id']}/technical-check", verdict)
    decided = decide("post", f"/proposals/{draft['id']}/decide", {"outcome": "awarded", "reasons": REASONS})
    award = ask("get", f"/awards/{decided['decision']['award']}")

    assert (draft["state"], saved["version"], submitted["state"], decided["state"]) == (
        "draft",
        2,
        "submitted",
        "awarded",
    )
    assert [row["outcome"] for row in decided["checks"]] == ["passed", "passed"]
    assert submitted["working_days_promised"] == 2
    assert (award["gpu_seconds"], award["reasons"]) == (3 * HOUR, REASONS)
    assert ask("get", "/proposals")["total"] == 1
    assert ask("get", "/proposals?state=draft")["items"] == []


def test_calls_and_public_awards_need_no_token(client) -> None:
    cast = make_cast()
    make_award(cast)
    public = make_award(cast, declarations={"may_publish": True})

    listed = client.get(f"{API}/calls").json()
    shown = client.get(f"{API}/calls/{cast.call.pk}").json()
    awards = client.get(f"{API}/awards").json()

    assert (listed["total"], listed["items"][0]["mode"]) == (1, "playground")
    assert shown["mode_rules"]["selection"] == "fifo"
    assert shown["awarded_gpu_seconds"] == 10 * HOUR
    assert [row["id"] for row in awards["items"]] == [public.pk]
    assert awards["items"][0]["reasons"] is None
    assert client.get(f"{API}/proposals").status_code == 401


def test_problems_have_codes(client) -> None:
    cast = make_cast()
    ask = Caller(client, cast.applicant)
    body = {"call": cast.call.pk, "organisation": cast.organisation.pk}

    draft = ask("post", "/proposals", body, 201)
    missing = ask("post", f"/proposals/{draft['id']}/submit", status=422)
    ask("patch", f"/proposals/{draft['id']}", {"answers": {"project": {"title": "A"}}, "version": 1})
    stale = ask("patch", f"/proposals/{draft['id']}", {"answers": {"project": {"title": "B"}}, "version": 1}, 409)
    unknown = ask("patch", f"/proposals/{draft['id']}", {"answers": {"projekt": {}}, "version": 2}, 422)

    assert (missing["code"], missing["where"]) == ("incomplete-answers", "organisation.headcount")
    assert stale["code"] == "lost-update"
    assert unknown["where"] == "projekt"
    ask("post", "/proposals", {**body, "call": "no-such-call"}, 404)
    ask("post", "/proposals", {**body, "organisation": make_organisation().pk}, 404)


def test_a_token_for_reading_writes_nothing(client) -> None:
    cast = make_cast()
    ask = Caller(client, cast.applicant, scopes=[Scope.READ])

    ask("get", "/proposals")
    ask("post", "/proposals", {"call": cast.call.pk, "organisation": cast.organisation.pk}, 403)


def test_other_tenants_get_404(client) -> None:
    cast = make_cast()
    proposal, award = make_submitted(cast), make_award(cast)
    stranger = Caller(client, make_user(roles=[Role.APPLICANT], manages=[make_organisation()]))

    stranger("get", f"/proposals/{proposal.pk}", status=404)
    stranger("get", f"/awards/{award.pk}", status=404)
    for action in ("submit", "withdraw"):
        stranger("post", f"/proposals/{proposal.pk}/{action}", status=404)
    stranger("post", f"/proposals/{proposal.pk}/decide", {"outcome": "awarded", "reasons": REASONS}, 404)
    assert stranger("get", "/proposals")["total"] == 0
    assert stranger("get", "/awards")["total"] == 0


def test_roles_are_asked_behind_the_api_too(client) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    ask, officer = Caller(client, cast.applicant), Caller(client, cast.officer)
    verdict = {"outcome": "passed", "reasons": REASONS}

    ask("post", f"/proposals/{proposal.pk}/technical-check", verdict, 403)
    officer("post", f"/proposals/{proposal.pk}/technical-check", verdict, 403)
    officer("post", f"/proposals/{proposal.pk}/decide", {"outcome": "awarded", "reasons": REASONS}, 409)
    officer("post", f"/proposals/{proposal.pk}/withdraw", status=403)
    ask("post", "/calls", {"code": "x", "mode_code": "playground", "title_en": "x", "title_de": "x",
                           "system_codes": ["laptop"], "capacity_gpu_seconds": 1, "opens_at": "2026-01-01T00:00:00Z"},
        403)  # fmt: skip


def test_a_withdrawn_proposal_can_be_copied(client) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    ask = Caller(client, cast.applicant)

    withdrawn = ask("post", f"/proposals/{proposal.pk}/withdraw")
    copied = ask("post", f"/proposals/{proposal.pk}/copy", {"call": cast.call.pk}, 201)

    assert (withdrawn["state"], copied["state"]) == ("withdrawn", "draft")
    assert copied["answers"]["project"] == withdrawn["answers"]["project"]


def test_an_officer_opens_a_call_by_program(client) -> None:
    cast = make_cast()
    body = {
        "code": "by-program",
        "mode_code": "fast-lane",
        "title_en": "x",
        "title_de": "x",
        "system_codes": ["lumi-g"],
        "capacity_gpu_seconds": HOUR,
        "opens_at": "2026-01-01T00:00:00Z",
    }

    made = Caller(client, cast.officer)("post", "/calls", body, 201)

    assert (made["state"], made["mode"], made["capacity_gpu_seconds"]) == ("open", "fast-lane", HOUR)
