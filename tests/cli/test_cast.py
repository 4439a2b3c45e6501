"""The demo's cast is what it claims to be: one proposal that passes the rules and one that does not."""

from kifabrik.cli.demo.cast import read_cast
from kifabrik.funding.proposal import read_answers

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
