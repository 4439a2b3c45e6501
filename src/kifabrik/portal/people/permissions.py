"""Who may do what: roles, permissions and scopes as data. Knows no table.

`GRANTS` is the whole truth about roles; ownership (membership of the organisation that owns a row) is added by queries.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """A part that a person plays in the factory. Everybody else, signed in or not, is a visitor."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    PROGRAMME_OFFICER = "programme_officer"
    SUPPORT_EXPERT = "support_expert"
    AUDITOR = "auditor"
    VISITOR = "visitor"


class Permission(StrEnum):
    """One thing that may be allowed."""

    CALL_MANAGE = "call.manage"
    PROPOSAL_WRITE = "proposal.write"  # for one's own organisation
    PROPOSAL_READ_ALL = "proposal.read-all"
    PROPOSAL_CHECK_TECHNICALLY = "proposal.check-technically"
    PROPOSAL_DECIDE = "proposal.decide"
    ALLOCATION_READ_ALL = "allocation.read-all"
    ALLOCATION_MANAGE = "allocation.manage"
    RUN_WRITE = "run.write"  # for one's own organisation
    RUN_READ_ALL = "run.read-all"
    SITE_MANAGE = "site.manage"
    DATASET_WRITE = "dataset.write"  # for one's own organisation
    PERSONAL_DATA_SEE = "personal-data.see"  # findings in context, searches for a person; one's own organisation
    RELEASE_WRITE = "release.write"  # for one's own organisation
    GATE_WAIVE = "gate.waive"
    SUPPORT_ASK = "support.ask"
    SUPPORT_ANSWER = "support.answer"
    AUDIT_READ = "audit.read"
    PEOPLE_MANAGE = "people.manage"


GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.APPLICANT: frozenset(
        {
            Permission.PROPOSAL_WRITE,
            Permission.RUN_WRITE,
            Permission.DATASET_WRITE,
            Permission.PERSONAL_DATA_SEE,
            Permission.RELEASE_WRITE,
            Permission.SUPPORT_ASK,
        }
    ),
    Role.REVIEWER: frozenset(),
    Role.OPERATOR: frozenset(
        {
            Permission.PROPOSAL_CHECK_TECHNICALLY,
            Permission.ALLOCATION_READ_ALL,
            Permission.RUN_READ_ALL,
            Permission.SITE_MANAGE,
        }
    ),
    Role.PROGRAMME_OFFICER: frozenset(
        {
            Permission.CALL_MANAGE,
            Permission.PROPOSAL_READ_ALL,
            Permission.PROPOSAL_DECIDE,
            Permission.ALLOCATION_READ_ALL,
            Permission.ALLOCATION_MANAGE,
            Permission.RUN_READ_ALL,
            Permission.GATE_WAIVE,
            Permission.PEOPLE_MANAGE,
        }
    ),
    Role.SUPPORT_EXPERT: frozenset({Permission.SUPPORT_ANSWER, Permission.SUPPORT_ASK}),
    Role.AUDITOR: frozenset(
        {
            Permission.AUDIT_READ,
            Permission.PROPOSAL_READ_ALL,
            Permission.ALLOCATION_READ_ALL,
            Permission.RUN_READ_ALL,
        }
    ),
    Role.VISITOR: frozenset(),
}


# These rights reach only as far as a person's own organisations: the role alone is not enough.
ORGANISATION_BOUND = frozenset(
    {
        Permission.PROPOSAL_WRITE,
        Permission.RUN_WRITE,
        Permission.DATASET_WRITE,
        Permission.PERSONAL_DATA_SEE,
        Permission.RELEASE_WRITE,
    }
)


class Scope(StrEnum):
    """What an access token may be used for; it never allows more than its owner may."""

    READ = "read"
    WRITE = "write"
    SITE = "site"
