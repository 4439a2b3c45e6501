"""Writes the Hugging Face model card from a passport: YAML metadata and plain sentences. Types nothing by hand."""

from collections.abc import Iterable
from typing import Any

import yaml

from kifabrik.core.findings import Severity
from kifabrik.core.quantities import format_duration, hours_from_seconds
from kifabrik.passport import gate
from kifabrik.records import Passport
from kifabrik.records.evaluation_report import TestResult, Verdict

_VERDICT_WORDS = {Verdict.GREEN: "green", Verdict.RED: "red", Verdict.NOT_RUN: "not run"}


def render(passport: Passport, *, summary: str = "") -> str:
    """Write the whole README.md of a release; `summary` is what its makers say about it, and is marked as theirs."""
    metadata = yaml.safe_dump(_metadata(passport), sort_keys=False, allow_unicode=True, width=1000)
    sections = (
        _opening(passport, summary),
        _gate(passport),
        _limits(passport),
        _data(passport),
        _training(passport),
        _evidence(passport),
        _use(passport),
    )
    return f"---\n{metadata}---\n\n" + "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _metadata(passport: Passport) -> dict[str, Any]:
    """Give the fields that the Hub reads; ours stand below one namespaced key."""
    dataset = passport.dataset
    languages = sorted(code for code in dataset.languages if 2 <= len(code) <= 3 and code.isalpha() and code != "und")
    return {
        "model_name": passport.model_name,
        "license": passport.licence.lower(),
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        **({"language": languages} if languages else {}),
        "tags": ["kifabrik", "safetensors", *(["llama"] if passport.run.model else [])],
        "model-index": [{"name": passport.model_name, "results": _metric_rows(passport)}],
        "kifabrik": {
            "release_version": passport.release_version,
            "run": passport.run.run_id,
            "dataset_digest": dataset.dataset_digest,
            "gate": passport.gate.verdict.value,
            "law_as_of": passport.law_as_of,
        },
    }


def _metric_rows(passport: Passport) -> list[dict[str, Any]]:
    results = [each for each in passport.evaluation.results if each.statistic is not None]
    return [
        {
            "task": {"type": "text-generation"},
            "dataset": {"type": passport.dataset.name, "name": f"{passport.dataset.name} (held-out split)"},
            "metrics": [{"type": each.test, "name": each.title, "value": each.statistic}],
        }
        for each in results
    ]


def _opening(passport: Passport, summary: str) -> list[str]:
    model = passport.run.model
    size = f"{model.parameters:,} parameters, {model.context_tokens} tokens of context" if model else "no model"
    lines = [f"# {passport.model_name} {passport.release_version}", ""]
    lines.append(f"A {model.architecture if model else 'model'} with {size}, released by {passport.organisation}.")
    if summary:
        lines += ["", f"In the words of its makers: {_cell(summary)}"]
    lines += ["", f"Intended use: {passport.intended_use or 'not stated by the provider.'}"]
    lines += ["", "This card was written from the records of the run. The signed passport (`passport.json`) holds the"]
    lines += ["whole story; `kifabrik release verify FOLDER` checks it without a network."]
    return lines


def _gate(passport: Passport) -> list[str]:
    lines = ["## Release gate", "", f"The gate is **{_VERDICT_WORDS[passport.gate.verdict]}**.", ""]
    lines += ["| test | verdict | figure | red line | why |", "|---|---|---|---|---|"]
    lines += [_result_row(each) for each in passport.evaluation.results]
    known = {each.test for each in passport.evaluation.results}
    lines += [f"| {title} | not run | | | |" for test, title in gate.REQUIRED_TESTS.items() if test not in known]
    for waiver in passport.gate.waivers:
        lines += ["", f"{waiver.by} answers for “{waiver.test}” until {waiver.expires_on}: {waiver.reason}"]
    return lines


def _result_row(result: TestResult) -> str:
    figure = "" if result.statistic is None else f"{result.statistic:.4g} {result.unit}".strip()
    if result.interval and figure:
        figure += f" [{result.interval[0]:.4g}, {result.interval[1]:.4g}]"
    cells = (result.title, _VERDICT_WORDS[result.verdict], figure, result.threshold, result.reason)
    return "| " + " | ".join(_cell(each) for each in cells) + " |"


def _limits(passport: Passport) -> list[str]:
    lines = ["## Limits", ""]
    lines += [
        "The tests above are all that was tested. In particular, nobody tested truthfulness, bias, unsafe output or"
    ]
    lines += ["behaviour outside the language and kind of the training text. Do not rely on the model's statements."]
    return lines + _bullets("Not checked in the data", passport.dataset.not_checked)


def _data(passport: Passport) -> list[str]:
    card = passport.dataset
    lines = ["## Training data", "", f"{card.origin.title}: {card.origin.source}"]
    lines += [f"Declared licence: {card.origin.licence}. Kind of source: {card.origin.source_kind}.", ""]
    lines.append(
        f"{card.documents_kept:,} documents ({card.text_bytes:,} bytes) after {card.exact_duplicates_removed:,} exact "
        f"duplicates were removed; {card.train_documents:,} to train, {card.held_out_documents:,} held out "
        f"({card.split_rule}). Dataset digest: `{card.dataset_digest}`."
    )
    counts = [f"{each.kind}: {each.findings} in {each.documents} documents" for each in card.personal_data]
    return lines + _bullets("Personal identifiers found", counts)


def _training(passport: Passport) -> list[str]:
    run = passport.run
    lines = ["## Training", ""]
    if run.compute:
        lines.append(
            f"{run.compute.train_tokens:,} tokens in {format_duration(run.compute.wall_seconds)}, "
            f"{run.compute.flop:.3e} floating-point operations ({run.compute.method})."
        )
    if run.energy:
        lines.append(f"{run.energy.watt_hours:.3g} Wh ({run.energy.method_class}: {run.energy.method}).")
    if passport.usage:
        hours = hours_from_seconds(passport.usage.posted_gpu_seconds)
        lines.append(f"{hours:.3g} {passport.usage.unit}-hours were booked for the run.")
    if passport.award:
        award = passport.award
        lines.append(f"The time came from “{award.call}” ({award.access_mode}), award `{award.award_id}`.")
    packages = ", ".join(f"{name} {version}" for name, version in sorted(run.environment.packages.items()))
    lines.append(f"Made with Python {run.environment.python} on {run.environment.platform}: {packages}.")
    return lines


def _evidence(passport: Passport) -> list[str]:
    lines = ["## Evidence for the European AI Act and the GDPR", ""]
    lines.append(f"As the law stood on {passport.law_as_of}; nothing here claims that a duty is met.")
    for title, severity in (("Evidence", Severity.INFO), ("Gaps", Severity.WARNING), ("Gaps", Severity.SERIOUS)):
        lines += _bullets(title, [each.message for each in passport.evidence if each.severity is severity])
    missing = [each.message for each in passport.evidence if each.severity is Severity.NOT_CHECKED]
    return lines + _bullets("No record speaks to", missing)


def _use(passport: Passport) -> list[str]:
    return [
        "## How to use",
        "",
        "```python",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        'tokenizer = AutoTokenizer.from_pretrained("model")',
        'model = AutoModelForCausalLM.from_pretrained("model")',
        "```",
        "",
        f"or `kifabrik serve FOLDER`. Licence: {passport.licence}.",
    ]


def _bullets(title: str, texts: Iterable[str]) -> list[str]:
    rows = [f"- {_cell(text)}" for text in texts]
    return ["", f"{title}:", "", *rows] if rows else []


def _cell(text: str) -> str:
    """Make a text safe inside a table or a list: one line, no cell border, no markup of its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
