"""Everything that can be wrong between the command line and a portal: the way there, the token, what is asked for.

The portal is the real one, answering in this process instead of over a socket.
"""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from tests.funding.sample import raw
from tests.paths.refusals import names, refuse, refuse_apart
from tests.portal.calls.factories import make_cast
from tests.portal.catalogue.factories import NOW, make_place, make_recipe, make_version
from tests.portal.compute.factories import start_run
from tests.portal.people.factories import PASSWORD, SINCE, make_token, make_user

from kifabrik.cli import portal as portal_command
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.compute.models import Run
from kifabrik.portal.people.models import AccessToken, User
from kifabrik.portal.people.permissions import Role, Scope

PORTAL = "http://127.0.0.1:8000"
SILENT = "http://127.0.0.1:9"
RECIPE = json.dumps(make_recipe().model_dump(mode="json", exclude_none=True))


@pytest.fixture(autouse=True)
def _nobody_signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KIFABRIK_PORTAL", "KIFABRIK_TOKEN", "KIFABRIK_SITE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KIFABRIK_LOGIN_FILE", str(tmp_path / "login.json"))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def here(db, home, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a portal that answers."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    transport = httpx.WSGITransport(app=WSGIHandler())
    real = httpx.Client

    def connect(**options) -> httpx.Client:
        return real(**{**options, "transport": transport})

    monkeypatch.setattr(httpx, "Client", connect)
    hooks = (signals.request_started, signals.request_finished)
    for hook in hooks:
        hook.disconnect(close_old_connections)  # they are this test's own, with its transaction
    yield PORTAL
    for hook in hooks:
        hook.connect(close_old_connections)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)  # JSON is YAML
    return path


ASKING = {
    "release list": ("release", "list", "--json"),
    "run watch": ("run", "watch", "run-nowhere", "--json"),
    "run cancel": ("run", "cancel", "run-nowhere", "--json"),
}


@pytest.mark.parametrize("case", ASKING)
def test_without_a_portal_a_person_is_told_to_sign_in(case: str) -> None:
    told = refuse(*ASKING[case])

    assert told.code == 2
    assert (
        told.sentence == "Error: no portal is known here. Sign in with 'kifabrik login --email YOURS --portal ADDRESS'."
    )
    assert told.document is None


@pytest.mark.parametrize("case", ASKING)
@pytest.mark.parametrize(
    ("address", "sentence", "code"),
    [
        (SILENT, "does not answer (Connection refused). Check the address and the network, or try again later.", 6),
        ("http://portal.example", "the token would travel unencrypted. Use an https:// address.", 2),
        ("ftp://portal.example", "this is not an address. Write https://portal.example.", 2),
    ],
)
def test_a_portal_out_of_reach_is_named(
    monkeypatch: pytest.MonkeyPatch, case: str, address: str, sentence: str, code: int
) -> None:
    monkeypatch.setenv("KIFABRIK_PORTAL", address)
    monkeypatch.setenv("KIFABRIK_TOKEN", "kf_secret")

    told = refuse(*ASKING[case])

    assert (told.code, sentence in told.sentence, address in told.sentence) == (code, True, True), told.sentence
    assert "kf_secret" not in told.sentence
    assert told.document is None


@pytest.mark.parametrize("left", ["{", "[]", "{}", '{"portal": "x"}', "\0"])
def test_a_damaged_sign_in_is_named(tmp_path: Path, left: str) -> None:
    (tmp_path / "login.json").write_text(left)

    told = refuse("release", "list", "--json")

    assert told.code == 2
    assert f"{tmp_path}/login.json: what the last sign-in left cannot be read. Sign in again" in told.sentence


def test_a_sign_in_with_a_wrong_password_keeps_nothing(here: str, tmp_path: Path) -> None:
    make_user("ada@example.eu", password=PASSWORD)

    told = refuse("login", "--email", "ada@example.eu", "--portal", here, entered="wrong word\n")

    assert told.code == 4
    assert "password" in told.sentence.lower()
    assert names(tmp_path, apart_from=["home"]) == []
    assert AccessToken.objects.count() == 0


def test_a_sign_in_at_a_silent_portal_keeps_nothing(tmp_path: Path) -> None:
    told = refuse("login", "--email", "ada@example.eu", "--portal", SILENT, entered="a word\n")

    assert (told.code, "the portal does not answer" in told.sentence) == (6, True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("fate", ["expired", "revoked", "unknown"])
@pytest.mark.parametrize("case", ASKING)
def test_a_token_that_is_worth_nothing_is_told(
    here: str, monkeypatch: pytest.MonkeyPatch, case: str, fate: str
) -> None:
    ended = SINCE + timedelta(days=1)
    fields = {"expired": {"expires_at": ended}, "revoked": {"revoked_at": ended}, "unknown": {}}[fate]
    secret = make_token(make_user(), **fields)
    monkeypatch.setenv("KIFABRIK_PORTAL", here)
    monkeypatch.setenv("KIFABRIK_TOKEN", "kf_other" if fate == "unknown" else secret)

    told = refuse(*ASKING[case])

    assert told.code == 4
    assert "the token is wrong, revoked or expired." in told.sentence
    assert "kifabrik login" in told.sentence
    assert told.document is None


@pytest.mark.parametrize("case", ["run watch", "run cancel"])
def test_an_unknown_run_is_told(here: str, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.setenv("KIFABRIK_PORTAL", here)
    monkeypatch.setenv("KIFABRIK_TOKEN", make_token(make_user(roles=[Role.APPLICANT])))

    told = refuse(*ASKING[case])

    assert told.code == 3
    assert "There is no such run. Check the identifier." in told.sentence
    assert told.document is None


def test_a_start_over_the_budget_is_told_in_numbers(here: str, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poor = make_place(gpu_seconds=5)
    version = make_version(poor)
    monkeypatch.setenv("KIFABRIK_PORTAL", here)
    monkeypatch.setenv("KIFABRIK_TOKEN", make_token(poor.manager))

    told = refuse("run", "start", recipe, "--allocation", poor.allocation.pk, "--dataset-version", version.pk, "--json")

    assert told.code == 5
    assert "5 s are left. Make the run smaller" in told.sentence
    assert told.document is None
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "has no sections such as 'organisation:' and 'team:'."),
        (b"- a", "has no sections such as 'organisation:' and 'team:'."),
        (b"team:\n  - [a", ":2: is not valid YAML: "),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)."),
        (b"\0", "is not valid YAML: it holds characters that no text has."),
    ],
)
def test_a_file_that_is_no_proposal_is_named(tmp_path: Path, data: bytes, sentence: str) -> None:
    file = tmp_path / "proposal.yaml"
    file.write_bytes(data)

    told = refuse("proposal", "submit", file, "--call", "any", "--json")

    assert (told.code, sentence in told.sentence) == (2, True), told.sentence
    assert str(file) in told.sentence
    assert "Give the YAML file of a proposal; its sections are those of the form." in told.sentence


def test_a_proposal_for_an_expired_call_is_refused(here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_cast(closes_at=NOW + timedelta(hours=1))
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=2))
    monkeypatch.setenv("KIFABRIK_PORTAL", here)
    monkeypatch.setenv("KIFABRIK_TOKEN", make_token(cast.applicant))
    file = tmp_path / "proposal.yaml"
    file.write_text(json.dumps(raw()))

    told = refuse("proposal", "submit", file, "--call", cast.call.pk, "--json")

    assert (told.code, "There is no such call, or it is closed." in told.sentence) == (3, True), told.sentence
    assert Proposal.objects.count() == 0


def test_a_reading_token_cancels_nothing(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_place()
    run = start_run(place)
    monkeypatch.setenv("KIFABRIK_PORTAL", here)
    monkeypatch.setenv("KIFABRIK_TOKEN", make_token(place.manager, scopes=[Scope.READ]))

    told = refuse("run", "cancel", run.pk, "--json")

    assert (told.code, "write" in told.sentence) == (4, True), told.sentence
    run.refresh_from_db()
    assert run.state == "requested"


def test_an_unknown_role_makes_nobody(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("start_django", "prepare"):  # the test's portal and its database are ready
        monkeypatch.setattr(portal_command, step, lambda: None)
    words = ("portal", "add-person", "--email", "eve@example.eu", "--name", "Eve", "--role", "emperor")

    told = refuse(*words)  # before a password is asked for

    assert told.code == 2
    assert "there is no role 'emperor'. Known roles: applicant, " in told.sentence
    assert User.objects.count() == 0


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize("command", [("portal", "up"), ("demo", "--once")], ids=["portal up", "demo"])
def test_a_taken_port_ends_the_start_before_anything_is_written(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KIFABRIK_HOME", str(tmp_path / "new-home"))

    told = refuse(*command, "--port", taken)

    assert told.code == 5
    assert f"port {taken} on 127.0.0.1 is taken. End what uses it, or choose another one with --port." in told.sentence
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--recipe", "nowhere.yaml"), "nowhere.yaml: there is no such recipe."),
        (("--data", "nowhere"), "nowhere: there is no such file or folder."),
    ],
)
def test_a_demo_that_cannot_end_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIFABRIK_HOME", str(tmp_path / "new-home"))

    told = refuse("demo", "--once", *words)

    assert (told.code, sentence in told.sentence) == (2, True), told.sentence
    assert names(tmp_path) == []


@pytest.mark.parametrize("port", ["99999", "0", "-1", "65535"])
def test_a_port_that_is_none_is_told(port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIFABRIK_HOME", str(tmp_path / "new-home"))

    told = refuse("portal", "up", "--port", port)

    assert (told.code, "is no port. Choose one from 1024 to" in told.sentence) == (2, True), told.sentence
    assert names(tmp_path) == []


def test_an_address_of_another_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIFABRIK_HOME", str(tmp_path / "new-home"))

    told = refuse_apart("portal", "up", "--host", "192.0.2.1", "--port", "18999")

    assert (told.code, "cannot listen on 192.0.2.1, port 18999: " in told.sentence) == (5, True), told.sentence
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"KIFABRIK_HOME": "{file}"}, "cannot write: a part of this path is a file and no folder."),
        ({"KIFABRIK_DATABASE_URL": "postgresql://u:secret-word@127.0.0.1:9/none"}, "database cannot be used: "),
    ],
    ids=["home is a file", "no database"],
)
def test_a_portal_that_cannot_keep_anything_is_told(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    (tmp_path / "file").write_text("mine")
    environment = {"KIFABRIK_HOME": str(tmp_path / "home"), "KIFABRIK_DATABASE_URL": ""}
    environment |= {name: value.format(file=tmp_path / "file") for name, value in settings.items()}

    told = refuse_apart("portal", "connect-local-site", "--by", "olga@example.eu", environment=environment)

    assert (told.code, sentence in told.sentence) == (6, True), told.sentence
    assert "secret-word" not in told.sentence
    assert (tmp_path / "file").read_text() == "mine"
