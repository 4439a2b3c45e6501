"""Answers of a proposal as a German start-up with 12 staff gives them, with changes by section."""

from copy import deepcopy

from kifabrik.funding.proposal import ProposalAnswers

ANSWERS = {
    "organisation": {
        "legal_name": "Textwerk GmbH",
        "country": "DE",
        "kind": "start-up",
        "register_number": "HRB 1234",
        "vat_number": "DE123456789",
        "headcount": 12,
        "turnover_euro": 900_000,
        "balance_euro": 600_000,
    },
    "team": {
        "investigator_name": "Ada Beispiel",
        "investigator_email": "ada@example.eu",
        "contract_is_permanent": True,
    },
    "project": {
        "title": "A small code model",
        "summary": "We train a small model on open source code to complete signatures and to write documentation.",
        "sector": "Software",
    },
    "work": {
        "kinds": ["train", "fine-tune"],
        "parameters": 1_060_000,
        "training_tokens": 5_000_000,
        "framework": "PyTorch",
    },
    "data": {
        "source": "Python standard library",
        "licence": "PSF-2.0",
        "has_personal_data": False,
        "stored_where": "own server in Germany",
        "volume_gb": 0.1,
    },
    "resources": {
        "system_code": "laptop",
        "gpu_hours": 5,
        "storage_tb": 0.01,
        "duration_months": 3,
        "starts_on": "2026-12-01",
    },
    "readiness": {"code": "https://example.eu/repository", "ran_before": "on a notebook, 10 minutes"},
    "outcome": {"expected": "A signed model that anybody can download and run."},
    "declarations": {
        "civil_use": True,
        "human_oversight": True,
        "union_values": True,
        "no_prohibited_practice": True,
        "trust_text": "A developer reads every suggestion before it is used; the training text is public source code "
        "with a free licence, and we measure memorisation before we publish.",
        "ai_act_role": "provider",
        "ai_act_class": "minimal",
        "will_acknowledge": True,
        "will_report": True,
        "accepts_site_terms": True,
    },
}


def raw(**sections) -> dict:
    """The sample as plain JSON, each named section updated."""
    answers = deepcopy(ANSWERS)
    for name, changes in sections.items():
        answers[name].update(changes)
    return answers


def answers(**sections) -> ProposalAnswers:
    """The sample as a record, each named section updated."""
    return ProposalAnswers.model_validate(raw(**sections))
