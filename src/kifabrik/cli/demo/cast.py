"""Who takes part in the demo, read from `cast.yaml`, and brought into an empty portal. Knows no step of the walk."""

import json
import secrets
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from kifabrik.cli import portal
from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import write_text
from kifabrik.core.quantities import seconds_from_hours


class Part(BaseModel):
    """A piece of the cast file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Part):
    """Somebody who can sign in."""

    email: str
    name: str
    roles: tuple[str, ...]
    does: str
    organisation: str = ""
    site: str = ""


class Firm(Part):
    """An organisation that applies."""

    legal_name: str
    country: str
    kind: str
    register_number: str
    vat_number: str


class CallPlan(Part):
    """The call that the programme officer opens."""

    id: str
    title_en: str
    title_de: str
    summary_en: str
    summary_de: str
    mode_code: str
    system_codes: tuple[str, ...]
    capacity_gpu_hours: float


class ModelPlan(Part):
    """Under which name the model is released."""

    name: str
    summary: str


class Cast(Part):
    """Everything the walk needs to know in advance."""

    sites: dict[str, portal.SitePlan]
    site: str
    people: tuple[Person, ...]
    organisations: tuple[Firm, ...]
    call: CallPlan
    technical_check: str
    decision: str
    proposals: dict[str, dict[str, Any]]
    accepted_finding: str
    waiver: str
    model: ModelPlan

    @property
    def site_plan(self) -> portal.SitePlan:
        """Give the site that the demo runs on."""
        return self.sites[self.site]

    def find(self, role: str) -> Person:
        """Find the first person with a role."""
        return next(person for person in self.people if role in person.roles)

    def find_applicant(self, legal_name: str) -> Person:
        """Find who applies for an organisation."""
        return next(person for person in self.people if person.organisation == legal_name)


def read_cast(site: str = "local") -> Cast:
    """Read the cast that ships with the program, for one of its sites; raises InvalidInput for an unknown one."""
    text = resources.files("kifabrik.cli.demo").joinpath("cast.yaml").read_text()
    sites = yaml.safe_load(text)["sites"]
    if site not in sites:
        raise InvalidInput(f"there is no demo site {site!r}.", where="--site", remedy=f"Known: {', '.join(sites)}.")
    text = Template(text).substitute(site=sites[site]["code"], system=sites[site]["system_code"])
    return Cast.model_validate({**yaml.safe_load(text), "site": site})


def read_password(home: Path) -> str:
    """Read the one password of all demo people, or make it on first use in a 0600 file."""
    path = home / "demo" / "password"
    if not path.exists():
        write_text(path, secrets.token_urlsafe(9), mode=0o600)
    return path.read_text()


def bring_in(cast: Cast, *, home: Path) -> None:
    """Make the people, organisations, site and call that are missing; safe to repeat."""
    portal.start_django()
    portal.prepare()
    password, now = read_password(home), datetime.now(UTC)
    for person in cast.people:
        portal.add_account(
            email=person.email, name=person.name, password=password, roles=person.roles, site=person.site, now=now
        )
    _found_organisations(cast, now)
    portal.connect_site(cast.site_plan, operator_email=cast.find("operator").email, now=now)
    _open_call(cast, now)


def _found_organisations(cast: Cast, now: datetime) -> None:
    from kifabrik.portal.people.models import Organisation, User  # needs Django to be loaded
    from kifabrik.portal.people.services import organisations  # needs Django to be loaded

    for firm in cast.organisations:
        if not Organisation.objects.filter(legal_name=firm.legal_name).exists():
            applicant = User.objects.get(email=cast.find_applicant(firm.legal_name).email)
            organisations.create(by=applicant, **firm.model_dump(), now=now)


def _open_call(cast: Cast, now: datetime) -> None:
    from kifabrik.portal.calls.models import Call  # needs Django to be loaded
    from kifabrik.portal.calls.services import calls  # needs Django to be loaded
    from kifabrik.portal.people.models import User  # needs Django to be loaded

    if Call.objects.filter(pk=cast.call.id).exists():
        return
    officer = User.objects.get(email=cast.find("programme_officer").email)
    plan = cast.call.model_dump(exclude={"capacity_gpu_hours", "id"})
    calls.open_call(
        by=officer,
        code=cast.call.id,
        capacity_gpu_seconds=seconds_from_hours(cast.call.capacity_gpu_hours),
        opens_at=now,
        now=now,
        **plan,
    )


def remember(home: Path, name: str, value: object) -> None:
    """Keep a small fact between two starts of the demo."""
    write_text(home / "demo" / f"{name}.json", json.dumps(value), mode=0o600)


def recall(home: Path, name: str) -> Any:
    """Read a fact that was kept, or None."""
    path = home / "demo" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
