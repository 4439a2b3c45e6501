"""ProposalAnswers: what an applicant declares in the short form of every access mode. Knows shapes, not rules.

The nine sections follow the form: organisation, team, project, work, data, resources, readiness, outcome, declarations.
Amounts of money are whole euros, sizes of work are GPU-hours of the asked system (CPU-hours on a local one).
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from kifabrik.core.canonical import Json
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, Severity
from kifabrik.records.base import Part, Record, first_fault

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Euros = Annotated[int, Field(ge=0, le=10**13)]
Heads = Annotated[float, Field(ge=0, le=10**7, description="annual work units")]
SizeWord = Literal["micro", "small", "medium", "large"]


class RelatedEnterprise(Part):
    """An enterprise that holds a share of the applicant, or of which the applicant holds one."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "DE"
    share_percent: float = Field(ge=0, le=100, description="the larger of capital and votes")
    has_control: bool = Field(default=False, description="by contract, statutes or agreement, whatever the share")
    headcount: Heads = 0
    turnover_euro: Euros = 0
    balance_euro: Euros = 0
    is_public_body: bool = False
    exception: str = Field(default="", description="code of an ownership exception that applies to this owner")
    investment_euro: Euros = Field(default=0, description="of business angels, for the limit of their exception")
    related: tuple["RelatedEnterprise", ...] = Field(default=(), max_length=20)


class AidReceived(Part):
    """De minimis aid that the single undertaking received in the last three years."""

    granted_on: date
    amount_euro: Euros
    authority: Line


class OrganisationAnswers(Part):
    """Section 1: who applies, and the figures of the SME calculator (last closed year)."""

    legal_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    kind: Literal["start-up", "sme", "large-enterprise", "research", "public"]
    register_number: Line = ""
    vat_number: Line = ""
    pic: Line = Field(default="", description="participant identification code of the EU portal")
    headcount: Heads
    turnover_euro: Euros
    balance_euro: Euros
    previous_size: Literal["micro", "small", "medium", "large", "none"] = Field(
        default="none", description="size class by the figures of the year before; none for a new enterprise"
    )
    related: tuple[RelatedEnterprise, ...] = Field(default=(), max_length=50)
    aid_received: tuple[AidReceived, ...] = Field(default=(), max_length=50)
    eu_project: Line = Field(default="", description="Horizon Europe or Digital Europe project, if it is part of one")


class TeamAnswers(Part):
    """Section 2: the principal investigator and the team."""

    investigator_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    investigator_email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
    contract_is_permanent: bool = False
    contract_ends_on: date | None = None
    members: Text = ""


class ProjectAnswers(Part):
    """Section 3: what it is about."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=200)]
    summary: Annotated[str, StringConstraints(strip_whitespace=True, min_length=50, max_length=2000)]
    sector: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]


class WorkAnswers(Part):
    """Section 4: what will be computed; the two sizes feed the estimate."""

    kinds: tuple[Literal["train", "fine-tune", "evaluate", "infer"], ...] = Field(min_length=1)
    parameters: int = Field(gt=0, le=10**14, description="weights of the model")
    training_tokens: int = Field(gt=0, le=10**17)
    base_model: Line = ""
    base_model_licence: Line = ""
    framework: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]


class DataAnswers(Part):
    """Section 5: the data and the right to use them."""

    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
    licence: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    has_personal_data: bool
    personal_data_role: Literal["none", "controller", "processor", "unknown"] = "none"
    stored_where: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    volume_gb: float = Field(ge=0, le=10**9)


class ResourcesAnswers(Part):
    """Section 6: what is asked for."""

    system_code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    partition: Line = ""
    fallback_system_code: Line = ""
    gpu_hours: float = Field(gt=0, le=10**8)
    storage_tb: float = Field(ge=0, le=10**6)
    duration_months: int = Field(ge=1, le=60)
    starts_on: date


class ReadinessAnswers(Part):
    """Section 7: how ready the software is."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=2000)]
    ran_before: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=2000)]


class OutcomeAnswers(Part):
    """Section 8: what will come of it."""

    expected: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20, max_length=2000)]


class DeclarationAnswers(Part):
    """Section 9: civil use, three ticks and one text on trustworthy AI, AI Act, duties."""

    civil_use: bool
    human_oversight: bool
    union_values: bool
    no_prohibited_practice: bool
    trust_text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
    ai_act_role: Literal["provider", "deployer", "modifier", "research", "unknown"] = "unknown"
    ai_act_class: Literal["minimal", "transparency", "high-risk", "general-purpose", "unknown"] = "unknown"
    will_acknowledge: bool
    will_report: bool
    accepts_site_terms: bool
    may_publish: bool = Field(default=False, description="title, organisation, system and amount may be shown publicly")


class ProposalAnswers(Record):
    """The whole short form."""

    schema_version: Literal[1] = 1
    organisation: OrganisationAnswers
    team: TeamAnswers
    project: ProjectAnswers
    work: WorkAnswers
    data: DataAnswers
    resources: ResourcesAnswers
    readiness: ReadinessAnswers
    outcome: OutcomeAnswers
    declarations: DeclarationAnswers


def read_answers(answers: Json) -> ProposalAnswers:
    """Read whole answers; raises InvalidInput that names the first field which is missing or wrong."""
    try:
        return ProposalAnswers.model_validate(answers)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors(include_url=False)[0]["loc"])
        raise InvalidInput(
            first_fault(error), where=where, remedy="Fill in that field.", code="incomplete-answers"
        ) from error


def find_faults(answers: Json) -> tuple[Finding, ...]:
    """List every field that is missing or wrong, `where` as `section.field`; nothing if the answers are whole."""
    try:
        ProposalAnswers.model_validate(answers)
    except ValidationError as error:
        return tuple(
            Finding(
                "proposal.missing" if fault["type"] == "missing" else "proposal.wrong",
                Severity.BLOCKING,
                "is missing." if fault["type"] == "missing" else f"{fault['msg'][:1].lower()}{fault['msg'][1:]}.",
                where=".".join(str(step) for step in fault["loc"]),
            )
            for fault in error.errors(include_url=False)
        )
    return ()
