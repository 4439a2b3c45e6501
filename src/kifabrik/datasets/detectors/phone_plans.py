"""Numbering plans of the 27 Member States, compiled once from the metadata of phonenumbers. Knows digits, no text."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

from kifabrik.core.errors import NotFound
from kifabrik.datasets.detectors.national_rows import LANGUAGES_OF

_TYPES = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "uan")
_OLD_TRUNKS = {"LT": "8"}  # written until 2024, and still on letterheads
_RUN = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Plan:
    """How numbers of one country look when they are dialled at home; `trunk` stands before them, or is empty.

    `forms` are the ways in which its numbers are grouped, the first that fits counts.
    """

    region: str
    country_code: int
    trunk: str
    numbers: re.Pattern[str]
    forms: re.Pattern[str]


class NationalNumber(NamedTuple):
    """Digits that a plan accepts: `trunk` is the prefix they have, `groups` are the lengths of the plan's groups."""

    region: str
    e164: str
    trunk: str = ""
    groups: tuple[int, ...] = ()

    def is_grouped_as(self, groups: tuple[int, ...]) -> bool:
        """Say whether the plan writes these groups, the trunk prefix with the first of them or apart."""
        if groups == self.groups:
            return True
        return groups[0] == len(self.trunk) and (groups[0] + groups[1], *groups[2:]) == self.groups


def _read(region: str) -> Plan:
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.country_code is None:
        raise NotFound(f"phonenumbers knows no plan of {region}.")
    patterns = [each.national_number_pattern for each in (getattr(metadata, kind) for kind in _TYPES) if each]
    numbers = re.compile("|".join(f"(?:{pattern})" for pattern in patterns if pattern))
    forms = "|".join(
        f"(?={each.leading_digits_pattern[-1] if each.leading_digits_pattern else ''})(?:{each.pattern})\\Z"
        for each in metadata.number_format
        if each.pattern
    )
    return Plan(region, metadata.country_code, metadata.national_prefix or "", numbers, re.compile(forms))


PLANS: tuple[Plan, ...] = tuple(_read(region) for region in LANGUAGES_OF)
_DIALLED: tuple[tuple[Plan, str], ...] = tuple(
    (plan, trunk) for plan in PLANS for trunk in sorted({plan.trunk, _OLD_TRUNKS.get(plan.region, plan.trunk)})
)
_ANY_PLAN = re.compile(  # an empty group for each that accepts the digits: one walk instead of one for each plan
    "".join(f"(?:(?={trunk}(?:{plan.numbers.pattern})\\Z)()|)" for plan, trunk in _DIALLED)
)
DIGITS_MIN, DIGITS_MAX = 7, 13
_groups_of_form: dict[tuple[object, ...], tuple[int, ...]] = {}


@lru_cache(maxsize=4096)
def read_national(digits: str) -> tuple[NationalNumber, ...]:
    """Give every reading of digits, with trunk prefix or without where a country has none."""
    if not DIGITS_MIN <= len(digits) <= DIGITS_MAX:
        return ()
    match = _ANY_PLAN.match(digits)
    accepted = match.groups() if match is not None else ()
    return tuple(
        _describe(plan, digits, trunk)
        for (plan, trunk), found in zip(_DIALLED, accepted, strict=True)
        if found is not None
    )


_BY_CODE = {str(plan.country_code): plan for plan in PLANS}


def read_international(written: str) -> NationalNumber | None:
    """Read a number with + of one of the 27 countries; None says only that a slower reading is needed."""
    digits = "".join(_RUN.findall(written.replace("(0)", "")))
    plan = _BY_CODE.get(digits[:2]) or _BY_CODE.get(digits[:3])
    if plan is None or not plan.numbers.fullmatch(digits, len(str(plan.country_code))):
        return None
    return NationalNumber(plan.region, f"+{digits}")


def _describe(plan: Plan, digits: str, trunk: str) -> NationalNumber:
    significant = digits[len(trunk) :]
    return NationalNumber(plan.region, f"+{plan.country_code}{significant}", trunk, _groups(plan, significant))


def _groups(plan: Plan, significant: str) -> tuple[int, ...]:
    """Give the lengths of the groups in which a number is written; they are the same for all numbers of a form."""
    form = plan.forms.match(significant)
    key = plan.region, len(significant) if form is None else form.regs
    groups = _groups_of_form.get(key)
    if groups is None:
        groups = _groups_of_form[key] = _write(plan, significant)
    return groups


def _write(plan: Plan, significant: str) -> tuple[int, ...]:
    number = PhoneNumber(plan.country_code, int(significant), italian_leading_zero=significant.startswith("0") or None)
    written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    groups = [len(run) for run in _RUN.findall(written)]
    if plan.trunk and written.startswith(f"({plan.trunk} "):  # Hungary writes the trunk prefix apart
        groups[:2] = [groups[0] + groups[1]] if len(groups) > 1 else groups[:2]
    return tuple(groups)
