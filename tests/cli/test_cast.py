"""The demo's cast is what it claims to be: one proposal that passes the rules and one that does not."""

import pytest

from kifabrik.cli.demo.cast import read_cast
from kifabrik.core.errors import InvalidInput
from kifabrik.funding.proposal import read_answers
from kifabrik.funding.reference import systems

STARTS = {"starts_on": "2026-12-01"}


def test_both_proposals_are_whole_forms() -> None:
    cast = read_cast()

    for answers in cast.proposals.values():
        whole = {**answers, "resources": {**answers["resources"], **STARTS}}
        assert read_answers(whole).organisation.legal_name in {firm.legal_name for firm in cast.organisations}


def test_every_role_has_somebody_to_sign_in_as() -> None:
    held = {role for person in read_cast().people for role in person.roles}

    assert held == {
        "applicant", "reviewer", "operator", "programme_officer", "support_expert", "auditor", "visitor",
    }  # fmt: skip


@pytest.mark.parametrize("site", ["local", "slurm"])
def test_call_proposals_and_operator_are_about_the_site_of_the_demo(site: str) -> None:
    cast = read_cast(site)
    system = cast.site_plan.system_code

    assert cast.call.system_codes == (system,)
    assert {answers["resources"]["system_code"] for answers in cast.proposals.values()} == {system}
    assert cast.find("operator").site == cast.site_plan.code
    assert systems()[system].unit == cast.site_plan.unit


def test_an_unknown_site_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="mars") as refused:
        read_cast("mars")
    assert "local, slurm" in str(refused.value)
