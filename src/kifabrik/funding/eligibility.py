"""Whether a proposal may be decided in its mode: every rule of the mode as a finding, kept ones included.

A kept rule is said too (severity info), because a letter gives the reason for every criterion. A proposal in the wrong
mode is told the right one; `suggested_mode` names it for a program. Sources stand with the sentences and the data.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from kifabrik.core.findings import Finding
from kifabrik.core.quantities import format_count
from kifabrik.funding import reference
from kifabrik.funding.aid import judge_aid
from kifabrik.funding.calendar import add_months
from kifabrik.funding.estimate import training_flop_for
from kifabrik.funding.proposal import ProposalAnswers
from kifabrik.funding.reference.rows import AccessMode, Country, SmeThresholds, System
from kifabrik.funding.routing import fits, mode_for, modes_of, science_mode
from kifabrik.funding.sme import SizeVerdict, classify
from kifabrik.funding.words import Language, letter_texts, say, write_count, write_day, write_number, write_power

CONTRACT_MARGIN_MONTHS = 3  # EuroHPC access rules: contract valid at least 3 months after the end of the allocation
TRUST_TEXT_MIN = 80
_INDUSTRY = frozenset({"start-up", "sme", "large-enterprise"})


@dataclass(frozen=True, slots=True)
class _Case:
    """What the rules look at."""

    answers: ProposalAnswers
    mode: AccessMode
    countries: Mapping[str, Country]
    thresholds: SmeThresholds
    system: System | None
    today: date
    language: Language

    @property
    def mode_name(self) -> str:
        return name_of(self.mode, self.language)


def check(
    answers: ProposalAnswers,
    *,
    mode: AccessMode,
    countries: Mapping[str, Country],
    thresholds: SmeThresholds,
    today: date,
    language: Language = "en",
) -> tuple[Finding, ...]:
    """Judge a proposal by every rule of its mode, in the order of the form; a blocking finding makes it ineligible."""
    system = reference.systems().get(answers.resources.system_code)
    case = _Case(answers, mode, countries, thresholds, system, today, language)
    rules: tuple[Callable[[_Case], Collection[Finding]], ...] = (
        _check_country,
        _check_kind,
        _check_size_class,
        _check_aid,
        _check_contract,
        _check_amount,
        _check_duration,
        _check_start,
        _check_data,
        _check_trust,
        _check_duties,
        _check_compute,
    )
    return tuple(finding for rule in rules for finding in rule(case))


def suggested_mode(answers: ProposalAnswers, *, mode: AccessMode) -> AccessMode | None:
    """Name the mode a proposal belongs into, if that is another one; None if it is right, or if there is no other."""
    system = reference.systems().get(answers.resources.system_code)
    is_industry = answers.organisation.kind in _INDUSTRY
    if not is_industry and mode.track == "industrial-innovation":
        return science_mode()
    if is_industry and mode.track == "ai-for-science" and not answers.organisation.eu_project:
        return mode_for(answers.resources.gpu_hours, track="industrial-innovation", system=system)
    if fits(answers.resources.gpu_hours, mode, system=system):
        return None
    return mode_for(answers.resources.gpu_hours, track=mode.track, system=system)


def name_of(mode: AccessMode, language: Language) -> str:
    """Name a mode in a language."""
    return mode.name_de if language == "de" else mode.name_en


def describe_size(verdict: SizeVerdict, language: Language) -> str:
    """Write the figures behind a size class, relations counted in."""
    heads = write_number(verdict.headcount, language)
    turnover, balance = (write_number(amount, language) for amount in (verdict.turnover_euro, verdict.balance_euro))
    with_related = len(verdict.counted)
    if language == "de":
        related = "verbundenes oder Partnerunternehmen" if with_related == 1 else "verbundene oder Partnerunternehmen"
        text = f"{heads} Beschäftigte, {turnover} EUR Umsatz, {balance} EUR Bilanzsumme"
        return f"{text}, {with_related} {related} mitgezählt" if with_related else text
    related = format_count(with_related, "partner or linked enterprise", "partner or linked enterprises")
    text = f"{heads} heads, EUR {turnover} turnover, EUR {balance} balance sheet total"
    return f"{text}, {related} counted in" if with_related else text


def _check_country(case: _Case) -> list[Finding]:
    asked = case.answers.organisation
    country = case.countries.get(asked.country)
    name = asked.country if country is None else country.name_de if case.language == "de" else country.name_en
    if country is None:
        code = "not-established"
    elif country.grade == "D":
        code = "country-not-verified"
    else:
        is_in = country.is_member_state or country.is_participating_state or country.is_associated
        code = "established" if is_in else "not-established"
    return [say(code, language=case.language, where="organisation.country", name=asked.legal_name, country=name)]


def _check_kind(case: _Case) -> list[Finding]:
    organisation = case.answers.organisation
    where, other = "organisation.kind", ""
    is_industry = organisation.kind in _INDUSTRY
    code = "kind-fits"
    if not is_industry and organisation.kind not in case.mode.eligible_kinds:
        code, other = "reroute-kind", name_of(science_mode(), case.language)
    elif is_industry and case.mode.track == "ai-for-science" and not organisation.eu_project:
        better = suggested_mode(case.answers, mode=case.mode)
        code, where = "reroute-industry", "organisation.eu_project"
        other = name_of(better, case.language) if better else "Playground"
    return [say(code, language=case.language, where=where, mode=case.mode_name, other=other)]


def _check_size_class(case: _Case) -> list[Finding]:
    organisation = case.answers.organisation
    where = "organisation.headcount"
    if organisation.kind not in _INDUSTRY or "large-enterprise" in case.mode.free_kinds:
        return [say("size-class-not-asked", language=case.language, where=where, mode=case.mode_name)]
    verdict = classify(organisation, thresholds=case.thresholds)
    words = SIZE_WORDS[case.language]
    found = [_judge_size(case, verdict)]
    if verdict.waits_for_second_year:
        found.append(
            say(
                "two-year-rule",
                language=case.language,
                where="organisation.previous_size",
                latest=words[verdict.size_by_latest_year],
                size=words[verdict.size],
            )
        )
    return found


SIZE_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {"micro": "micro", "small": "small", "medium": "medium-sized", "large": "large"},
    "de": {
        "micro": "Kleinstunternehmen",
        "small": "kleines Unternehmen",
        "medium": "mittleres Unternehmen",
        "large": "Großunternehmen",
    },
}


def _judge_size(case: _Case, verdict: SizeVerdict) -> Finding:
    organisation, language = case.answers.organisation, case.language
    where, figures = "organisation.headcount", describe_size(verdict, language)
    if verdict.is_excluded_by_public_body:
        return say(
            "public-body-share",
            language=language,
            where="organisation.related",
            name=organisation.legal_name,
            share=write_number(verdict.public_share_percent, language),
            limit=write_number(case.thresholds.rule("public-body").share_from_percent, language),
        )
    if verdict.is_sme:
        return say(
            "size-class", language=language, where=where, size=SIZE_WORDS[language][verdict.size], figures=figures
        )
    return say(
        "not-free-for-large",
        language=language,
        where=where,
        mode=case.mode_name,
        name=organisation.legal_name,
        figures=figures,
        limit=write_number(max(row.headcount_below for row in case.thresholds.classes), language),
        large_min=write_number(reference.access_modes()["large-scale"].size_min, language),
        science=name_of(science_mode(), language),
    )


def _check_aid(case: _Case) -> Collection[Finding]:
    return judge_aid(case.answers, mode=case.mode, today=case.today, language=case.language)


def _check_contract(case: _Case) -> list[Finding]:
    team, resources = case.answers.team, case.answers.resources
    ends_on = add_months(max(resources.starts_on, case.today), resources.duration_months)
    needed = add_months(ends_on, CONTRACT_MARGIN_MONTHS)
    words = {"needed": write_day(needed, case.language)}
    code = "contract-long-enough"
    if not team.contract_is_permanent and team.contract_ends_on is None:
        code = "contract-unknown"
    elif not team.contract_is_permanent and team.contract_ends_on is not None and team.contract_ends_on < needed:
        code, words["ends"] = "contract-too-short", write_day(team.contract_ends_on, case.language)
    return [say(code, language=case.language, where="team.contract_ends_on", **words)]


def _check_amount(case: _Case) -> list[Finding]:
    asked = case.answers.resources.gpu_hours
    language, mode = case.language, case.mode
    hours = letter_texts(language)[f"unit-{case.system.unit if case.system else 'GPU'}"]
    words = {
        "asked": write_number(asked, language),
        "mode": case.mode_name,
        "least": write_number(mode.size_min, language),
        "most": write_number(mode.size_max, language),
        "hours": hours,
        "unit": hours if mode.unit == "gpu-hour" else letter_texts(language)["node-hours"],
    }
    code = "size-fits"
    if not fits(asked, mode, system=case.system):
        better = mode_for(asked, track=mode.track, system=case.system)
        code = "reroute-size" if better else "size-fits-none"
        words["other"] = name_of(better, language) if better else ""
        words["modes"] = "; ".join(
            f"{name_of(each, language)} {write_number(each.size_min, language)}–{write_number(each.size_max, language)}"
            for each in modes_of(mode.track)
        )
    return [say(code, language=language, where="resources.gpu_hours", **words)]


def _check_duration(case: _Case) -> list[Finding]:
    months = case.answers.resources.duration_months
    return [
        say(
            "duration-fits" if months in case.mode.durations_months else "wrong-duration",
            language=case.language,
            where="resources.duration_months",
            months=write_count(months, "month", case.language),
            mode=case.mode_name,
            possible=", ".join(str(each) for each in case.mode.durations_months),
        )
    ]


def _check_start(case: _Case) -> list[Finding]:
    starts_on = case.answers.resources.starts_on
    if starts_on >= case.today:
        return []
    day = write_day(starts_on, case.language)
    return [say("start-past", language=case.language, where="resources.starts_on", day=day)]


def _check_data(case: _Case) -> list[Finding]:
    if not case.answers.data.has_personal_data:
        return []
    return [say("personal-data", language=case.language, where="data.has_personal_data")]


def _check_trust(case: _Case) -> list[Finding]:
    said = case.answers.declarations
    civil = "civil-use" if said.civil_use else "not-civil"
    found = [say(civil, language=case.language, where="declarations.civil_use")]
    if not (said.human_oversight and said.union_values and said.no_prohibited_practice):
        found.append(say("not-trustworthy", language=case.language, where="declarations.union_values"))
    elif len(said.trust_text) < TRUST_TEXT_MIN:
        counts = {"count": str(len(said.trust_text)), "limit": str(TRUST_TEXT_MIN)}
        found.append(say("trust-text-short", language=case.language, where="declarations.trust_text", **counts))
    else:
        found.append(say("trustworthy", language=case.language, where="declarations.trust_text"))
    return found


def _check_duties(case: _Case) -> list[Finding]:
    said = case.answers.declarations
    accepted = said.will_acknowledge and said.will_report and said.accepts_site_terms
    code = "duties-accepted" if accepted else "duties-missing"
    return [say(code, language=case.language, where="declarations.will_report")]


def _check_compute(case: _Case) -> list[Finding]:
    """How the planned training stands to the compute thresholds of the AI Act; work without training is not asked."""
    work = case.answers.work
    if not {"train", "fine-tune"} & set(work.kinds):
        return []
    flop = training_flop_for(parameters=work.parameters, tokens=work.training_tokens)
    law = reference.law()
    gpai, systemic = law.threshold("gpai"), law.threshold("systemic-risk")
    code, row = "gpai-below", gpai
    if systemic.flop is not None and flop > systemic.flop:
        code, row = "gpai-systemic", systemic
    elif gpai.flop is not None and flop > gpai.flop:
        code = "gpai-above"
    return [
        say(
            code,
            language=case.language,
            where="work.training_tokens",
            flop=write_power(flop, case.language),
            limit=write_power(row.flop or 0, case.language),
            act=row.act,
            as_of=law.as_of.isoformat(),
        )
    ]
