"""The demo's walk: each step looks at what is there, does what is missing through the portal's API, and says so.

Knows the API's words. A step may be cut off anywhere; the next start finds what it left and goes on.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from rich.progress import Progress, TaskID

from kifabrik.cli.demo.cast import Cast, Person, read_password, recall, remember
from kifabrik.cli.portal import make_key
from kifabrik.cli.terminal import progress_bar, say
from kifabrik.core.errors import Conflict, KifabrikError, Refused, Unavailable
from kifabrik.core.quantities import format_duration, hours_from_seconds
from kifabrik.records.recipe import Recipe
from kifabrik.site.client import PortalClient

POLL_SECONDS = 1.0
# As much text as a small model can read once in its minute; more held out than usual, so that the tests can tell.
LIBRARY = ["--standard-library", "--library-share", "0.4", "--held-out-share", "0.12"]
TRIES = 9  # about a minute: a portal that was killed is back by then
DATASET = "demo-texts"
_MARKS = {"green": "green", "red": "RED", "not-run": "NOT RUN", "waived": "waived"}


@dataclass(slots=True)
class Walk:
    """The walk's surroundings, and the clients it has opened so far."""

    cast: Cast
    home: Path
    url: str
    recipe: Recipe
    data: Path | None
    clients: dict[str, PortalClient] = field(default_factory=dict)

    def as_person(self, email: str) -> PortalClient:
        """Open the portal as a person, with a token that is kept between starts while it works."""
        if email not in self.clients:
            tokens = recall(self.home, "tokens") or {}
            client = PortalClient(self.url, tokens.get(email, ""), tries=TRIES)
            if email not in tokens or not _is_welcome(client):
                tokens[email] = self._make_token(email)
                remember(self.home, "tokens", tokens)
                client = PortalClient(self.url, tokens[email], tries=TRIES)
            self.clients[email] = client
        return self.clients[email]

    def as_role(self, role: str) -> PortalClient:
        """Open the portal as the first person with a role."""
        return self.as_person(self.cast.find(role).email)

    def who_applies(self, which: str) -> Person:
        """Find who writes a proposal."""
        return self.cast.find_applicant(self.cast.proposals[which]["organisation"]["legal_name"])

    @property
    def applicant(self) -> PortalClient:
        """Open the portal as the applicant who will be awarded."""
        return self.as_person(self.who_applies("awarded").email)

    def _make_token(self, email: str) -> str:
        body = {"email": email, "password": read_password(self.home), "name": "demo", "scopes": ["read", "write"]}
        return str(PortalClient(self.url).post("/tokens", body)["token"])


def _is_welcome(client: PortalClient) -> bool:
    try:
        client.get("/me")
    except Refused:
        return False
    return True


def wait_for_portal(walk: Walk, *, seconds: float = 60) -> None:
    """Wait until the portal answers; raises Unavailable if it does not."""
    limit = time.monotonic() + seconds
    while True:
        try:
            next(iter(PortalClient(walk.url, tries=1).list("/calls")), None)
            return
        except KifabrikError as error:
            if time.monotonic() > limit:
                raise Unavailable(
                    "the portal did not start.", remedy=f"See {walk.home / 'processes' / 'portal.log'}."
                ) from error
            time.sleep(0.3)


def find_proposal(client: PortalClient, title: str) -> dict[str, Any] | None:
    """Find one's own proposal by its title."""
    return next((row for row in client.list("/proposals") if row["title"] == title), None)


def apply(walk: Walk, which: str) -> dict[str, Any]:
    """Write and submit a proposal as its applicant; returns it as it stands."""
    client = walk.as_person(walk.who_applies(which).email)
    answers = dict(walk.cast.proposals[which])
    answers["resources"] = {**answers["resources"], "starts_on": datetime.now(UTC).date().isoformat()}
    proposal = find_proposal(client, answers["project"]["title"])
    if proposal is None:
        organisation = next(iter(client.list("/organisations")))
        proposal = client.post(
            "/proposals", {"call": walk.cast.call.id, "organisation": organisation["id"], "answers": answers}
        )
    if proposal["state"] == "draft":
        client.post(f"/proposals/{proposal['id']}/submit")
    whole: dict[str, Any] = client.get(f"/proposals/{proposal['id']}")
    return whole


def decide(walk: Walk, proposal: dict[str, Any]) -> dict[str, Any]:
    """Check technically as the operator, decide as the programme officer, accept as the applicant; gives the award."""
    path = f"/proposals/{proposal['id']}"
    if proposal["state"] == "submitted":
        asked = walk.cast.proposals["awarded"]["resources"]
        if not any(check["kind"] == "technical" for check in proposal["checks"]):
            walk.as_role("operator").post(
                f"{path}/technical-check",
                {
                    "outcome": "passed",
                    "reasons": walk.cast.technical_check,
                    "accepted_gpu_seconds": int(asked["gpu_hours"] * 3600),
                    "system_code": asked["system_code"],
                },
            )
        walk.as_role("programme_officer").post(f"{path}/decide", {"outcome": "awarded", "reasons": walk.cast.decision})
    award: dict[str, Any] = next(row for row in walk.applicant.list("/awards") if row["proposal"] == proposal["id"])
    return award


def open_allocation(walk: Walk, award: dict[str, Any]) -> dict[str, Any]:
    """Accept the award as the applicant, which opens the allocation; returns it."""
    client = walk.applicant
    known = next((row for row in client.list("/allocations") if row["award"] == award["id"]), None)
    allocation: dict[str, Any] = known or client.post(f"/awards/{award['id']}/accept", again=True)
    return allocation


def check_data(walk: Walk) -> Path:
    """Check the texts with the command line; returns the dataset folder."""
    folder = walk.home / "demo" / "dataset"
    if not (folder / "card.json").exists():
        source = [str(walk.data)] if walk.data else LIBRARY
        key = str(folder.parent / "data.key")  # all state of the demo lies in its home
        _call_command(walk, "dataset", "check", *source, "--out", str(folder), "--name", DATASET, "--key", key)
    return folder


def register_data(walk: Walk, folder: Path) -> dict[str, Any]:
    """Bring the dataset folder to the portal with the command line and accept its serious findings by name."""
    client = walk.applicant
    dataset = next((row for row in client.list("/datasets") if row["name"] == DATASET), None)
    if dataset is None:
        _call_command(walk, "dataset", "register", str(folder))
        dataset = next(row for row in client.list("/datasets") if row["name"] == DATASET)
    version: dict[str, Any] = client.get(f"/datasets/{dataset['id']}")["versions"][0]
    for finding in version["open_findings"]:
        client.post(
            f"/dataset-versions/{version['id']}/accept",
            {"code": finding["code"], "where": finding["where"], "reason": walk.cast.accepted_finding},
        )
        say(f"   {walk.who_applies('awarded').name} answers for: {finding['message']}", style="dim")
    return version


def start_training(walk: Walk, allocation: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
    """Start the run inside the allocation, or find the one that was started."""
    client = walk.applicant
    usable = ("requested", "submitted", "running", "succeeded")
    runs = [row for row in client.list("/runs") if row["name"] == walk.recipe.name and row["state"] in usable]
    if runs:
        return runs[0]
    body = {
        "recipe": walk.recipe.model_dump(mode="json", exclude={"dataset"}),
        "dataset_version": version["id"],
        "allocation": allocation["id"],
    }
    estimate = client.post("/runs/estimate", body, again=True)
    say(
        f"   estimate: {estimate['flop']:.2e} FLOP, {format_duration(estimate['gpu_seconds'])} of "
        f"{estimate['unit']} time, {estimate['watt_hours']:.1f} Wh (modelled); "
        f"{hours_from_seconds(estimate['left_before_gpu_seconds']):.2f} {estimate['unit']}-hours are left",
        style="dim",
    )
    run: dict[str, Any] = client.post("/runs", body)
    return run


def watch_training(walk: Walk, run_id: str) -> dict[str, Any]:
    """Show the run's progress until it is over; raises Conflict with its reason unless it succeeded."""
    client = walk.applicant
    with progress_bar() as bars:
        shown: dict[str, TaskID] = {}
        for event in _follow(client, run_id):
            _show(event, bars, shown)
    run: dict[str, Any] = client.get(f"/runs/{run_id}")
    while run["state"] == "succeeded" and not run["outputs"]:
        time.sleep(POLL_SECONDS)
        run = client.get(f"/runs/{run_id}")
    if run["state"] != "succeeded":
        raise Conflict(f"the run ended as {run['state']}: {run['reason']}", where=run_id)
    return run


def _follow(client: PortalClient, run_id: str) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        answer = client.get(f"/runs/{run_id}/events", after=after)
        for event in answer["items"]:
            after = event["sequence"]
            yield event
        if answer["is_final"] and not answer["items"]:
            return
        if not answer["items"]:
            time.sleep(POLL_SECONDS)


def _show(event: dict[str, Any], bars: Progress, shown: dict[str, TaskID]) -> None:
    step = event["step"]
    if event["kind"] == "step-started":
        shown.setdefault(step, bars.add_task(f"   {step:<12}", total=1.0))
        if bars.disable:
            say(f"   {step} ...")
    elif event["kind"] in ("progress", "step-ended") and step in shown and event["done"] is not None:
        bars.update(shown[step], completed=event["done"])
    elif event["kind"] in ("warning", "failed"):
        say(f"   {event['message']}", style="yellow")


def publish(walk: Walk, run: dict[str, Any]) -> dict[str, Any]:
    """Propose the run's model for release, show the gate, and publish when every red test is answered for."""
    client = walk.applicant
    release = client.post(
        "/releases",
        {"run": run["id"], "model_name": walk.cast.model.name, "summary": walk.cast.model.summary},
        again=True,
    )
    for test in release["tests"]:
        say(f"   {_MARKS[test['state']]:>7}  {test['title']}: {test['reason']}", style="dim")
    if release["state"] == "candidate":
        _waive_red_tests(walk, release)
        release = client.post(f"/releases/{release['id']}/publish", {"is_public": True}, again=True)
    return dict(release)


def _waive_red_tests(walk: Walk, release: dict[str, Any]) -> None:
    """Let the programme officer answer by name for red tests: a busy machine may train too little in a boxed time."""
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    for test in release["tests"]:
        if test["state"] in ("red", "not-run") and test["may_be_waived"]:
            body = {"test": test["test"], "reason": walk.cast.waiver, "expires_on": until}
            walk.as_role("programme_officer").post(f"/releases/{release['id']}/waive", body)
            say(f"   {walk.cast.find('programme_officer').name} answers for '{test['title']}' until {until}.")


def verify(walk: Walk, release: dict[str, Any]) -> Path:
    """Verify the release folder with the command line, which needs no portal; returns the folder."""
    folder = walk.home / "releases" / str(release["model"]) / str(release["number"])
    _call_command(walk, "release", "verify", str(folder), "--key", str(make_key(walk.home)))
    return folder


def try_serving(release: dict[str, Any], *, serving_url: str, seconds: float = 60) -> str:
    """Ask the inference server for a completion through its OpenAI-compatible door; returns the text."""
    import httpx  # the command line starts without it

    body = {"model": f"{release['model']}:{release['number']}", "prompt": "def ", "max_tokens": 40, "seed": 17}
    limit = time.monotonic() + seconds
    while True:
        try:
            answer = httpx.post(f"{serving_url}/v1/completions", json=body, timeout=60)
            if answer.is_success:
                return str(answer.json()["choices"][0]["text"])
            problem = answer.text
        except httpx.TransportError as error:
            problem = str(error)
        if time.monotonic() > limit:
            raise Unavailable(f"the inference server does not serve the release: {problem[:200]}", where=serving_url)
        time.sleep(0.5)


def _call_command(walk: Walk, *words: str) -> None:
    """Run the command line as the applicant would, its output included; ends as it does if it fails, as it said why."""
    token = (recall(walk.home, "tokens") or {}).get(walk.who_applies("awarded").email, "")
    environment = {**os.environ, "KIFABRIK_PORTAL": walk.url, "KIFABRIK_TOKEN": token}
    say(f"   $ kifabrik {' '.join(words)}", style="dim")
    result = subprocess.run([sys.executable, "-m", "kifabrik", *words], env=environment, check=False)
    if result.returncode:
        raise typer.Exit(result.returncode)
