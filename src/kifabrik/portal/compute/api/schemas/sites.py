"""The shapes in which sites, the people known there and what is wrong there answer programs."""

from datetime import datetime

from ninja import Schema

from kifabrik.portal.compute.models import ClusterUser, Site, SiteFinding


class SiteIn(Schema):
    """The facts of a new site."""

    code: str
    name: str
    system_code: str
    unit: str = "GPU"
    devices: int = 1


class SiteOut(Schema):
    """A site and when its agent was last heard of."""

    code: str
    name: str
    system_code: str
    unit: str
    devices: int
    last_seen_at: datetime | None
    agent_version: str
    accounted_until: datetime | None

    @classmethod
    def of(cls, site: Site) -> "SiteOut":
        return cls(
            code=site.code,
            name=site.name,
            system_code=site.system_code,
            unit=site.unit,
            devices=site.devices,
            last_seen_at=site.last_seen_at,
            agent_version=site.agent_version,
            accounted_until=site.accounted_until,
        )


class TokenOut(Schema):
    """A fresh token; its secret is shown this once."""

    id: str
    token: str


class ClusterUserIn(Schema):
    """The unix user name of a person at a site."""

    user_name: str


class ClusterUserOut(Schema):
    """A person under their unix user name."""

    person: str
    name: str
    user_name: str

    @classmethod
    def of(cls, row: ClusterUser) -> "ClusterUserOut":
        return cls(person=row.person_id, name=row.person.name, user_name=row.user_name)


class SiteFindingOut(Schema):
    """Something that is or was wrong at a site."""

    code: str
    severity: str
    message: str
    where: str
    remedy: str
    reference: str
    first_seen_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, row: SiteFinding) -> "SiteFindingOut":
        names = "code severity message where remedy reference first_seen_at last_seen_at closed_at"
        return cls(**{name: getattr(row, name) for name in names.split()})
