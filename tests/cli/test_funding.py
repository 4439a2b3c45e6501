"""`kifabrik call list` and `kifabrik proposal submit` against the real portal, in memory."""

import json

import httpx
import pytest
import yaml
from django.test import Client
from tests.funding.sample import raw
from tests.portal.calls.factories import make_call, make_cast
from tests.portal.people.factories import make_organisation, make_token, make_user
from typer.testing import CliRunner

from kifabrik.cli import funding
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.people.permissions import Role
from kifabrik.site.client import PortalClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    cast = make_cast()
    sign_in(monkeypatch, cast.applicant)
    return cast


def sign_in(monkeypatch, user) -> None:
    """Let the commands speak as a person."""
    secret = make_token(user)
    transport = httpx.MockTransport(forward)
    monkeypatch.setattr(
        funding, "connect", lambda: PortalClient("http://127.0.0.1", secret, transport=transport, tries=1)
    )


def forward(request: httpx.Request) -> httpx.Response:
    """Ask the real portal inside this test's transaction."""
    answer = Client().generic(
        request.method,
        request.url.raw_path.decode(),
        request.content,
        content_type=request.headers.get("content-type", ""),
        headers={"Authorization": request.headers["authorization"]},
    )
    return httpx.Response(answer.status_code, content=answer.content, headers={"content-type": answer["content-type"]})


def run(noun, *arguments):
    return CliRunner().invoke(noun, [str(each) for each in arguments])


@pytest.fixture
def file(tmp_path):
    def write(content, name="proposal.yaml"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


def test_open_calls_are_listed(cast) -> None:
    answer = run(funding.call, "list", "--json")
    shown = run(funding.call, "list")

    assert [row["id"] for row in json.loads(answer.stdout)] == [cast.call.pk]
    assert shown.stdout == ""
    assert cast.call.pk in shown.stderr


def test_a_proposal_is_submitted_from_a_file(cast, file) -> None:
    answer = run(funding.proposal, "submit", file(raw()), "--call", cast.call.pk, "--json")

    made = json.loads(answer.stdout)
    assert (answer.exit_code, made["state"]) == (0, "submitted")
    assert Proposal.objects.get().answers["resources"]["starts_on"] == "2026-12-01"
    assert "decision within 2 working days" in answer.stderr


def test_call_and_organisation_may_stand_in_the_file(cast, file) -> None:
    content = {"call": cast.call.pk, "organisation_id": cast.organisation.pk, **raw()}

    assert run(funding.proposal, "submit", file(json.dumps(content), "proposal.json")).exit_code == 0


def test_an_ineligible_proposal_says_why_and_exits_with_2(cast, file) -> None:
    answer = run(funding.proposal, "submit", file(raw(resources={"gpu_hours": 20_000})), "--call", cast.call.pk)

    assert answer.exit_code == 2
    assert "Fast Lane" in answer.stderr


def test_a_draft_may_be_incomplete(cast, file) -> None:
    path = file({"project": {"title": "Later"}})

    kept = run(funding.proposal, "submit", path, "--call", cast.call.pk, "--draft")
    missing = run(funding.proposal, "submit", path, "--call", cast.call.pk)

    assert kept.exit_code == 0
    assert missing.exit_code == 2
    assert "organisation.headcount" in missing.stderr
    assert "The draft is kept" in missing.stderr.replace("\n", " ")
    assert {draft.state for draft in Proposal.objects.all()} == {"draft"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [1", "is not valid YAML"),
        ("- a\n- b\n", "has no sections"),
        ("project: 5", "section"),
        ("x: {}", "section"),
    ],
)
def test_a_broken_file_is_one_sentence(cast, file, content, words) -> None:
    answer = run(funding.proposal, "submit", file(content), "--call", cast.call.pk)

    assert answer.exit_code == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.output


def test_a_missing_file_and_a_missing_call_are_named(cast, file, tmp_path) -> None:
    assert "no such file" in run(funding.proposal, "submit", tmp_path / "none.yaml").stderr
    assert "--call" in run(funding.proposal, "submit", file(raw())).stderr
    assert run(funding.proposal, "submit", file(raw()), "--call", "no-such-call").exit_code == 3


def test_somebody_with_several_organisations_has_to_name_one(cast, file, monkeypatch) -> None:
    several = make_user(roles=[Role.APPLICANT], organisations=[make_organisation(), make_organisation()])
    sign_in(monkeypatch, several)
    make_call()

    answer = run(funding.proposal, "submit", file(raw()), "--call", cast.call.pk)

    assert answer.exit_code == 2
    assert "--organisation" in answer.stderr
