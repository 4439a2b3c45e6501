"""Writes the machine-learning bill of materials: CycloneDX 1.6 JSON, made from a passport.

Written as plain JSON and not through the library's object model, which drops the model card without a warning.
"""

import uuid
from typing import Any

from kifabrik import __version__
from kifabrik.core.canonical import digest
from kifabrik.records import Passport
from kifabrik.records.evaluation_report import TestResult

SPEC_VERSION = "1.6"
WATT_HOURS_PER_KWH = 1000
_MODEL_REF = "model"
_DATASET_REF = "dataset"


def render(passport: Passport) -> dict[str, Any]:
    """Give the whole document; the same passport gives the same document, serial number included."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{_serial_number(passport)}",
        "version": 1,
        "metadata": {
            "timestamp": passport.made_at,
            "tools": {"components": [{"type": "application", "name": "kifabrik", "version": __version__}]},
            "component": _model_component(passport),
        },
        "components": [_dataset_component(passport), *_packages(passport)],
        "dependencies": [{"ref": _MODEL_REF, "dependsOn": [_DATASET_REF]}],
    }


def _serial_number(passport: Passport) -> uuid.UUID:
    name = digest([passport.model_name, passport.release_version, passport.run.run_id, passport.made_at])
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:kifabrik:{name}")


def _model_component(passport: Passport) -> dict[str, Any]:
    model = passport.run.model
    return {
        "bom-ref": _MODEL_REF,
        "type": "machine-learning-model",
        "name": passport.model_name,
        "version": passport.release_version,
        "publisher": passport.organisation,
        "licenses": [{"license": {"name": passport.licence}}],
        "hashes": [{"alg": "SHA-256", "content": _hex(model.model_digest)}] if model else [],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "self-supervised"},
                "task": "text-generation",
                "architectureFamily": "decoder-only transformer",
                "modelArchitecture": model.architecture if model else "unknown",
                "datasets": [{"ref": _DATASET_REF}],
                "inputs": [{"format": "text"}],
                "outputs": [{"format": "text"}],
            },
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    _metric(each) for each in passport.evaluation.results if each.statistic is not None
                ]
            },
            "considerations": _considerations(passport),
        },
    }


def _metric(result: TestResult) -> dict[str, Any]:
    metric: dict[str, Any] = {
        "type": f"{result.test} ({result.unit})" if result.unit else result.test,
        "value": repr(result.statistic),
        "slice": "held-out split",
    }
    if result.interval:
        low, high = result.interval
        metric["confidenceInterval"] = {"lowerBound": repr(low), "upperBound": repr(high)}
    return metric


def _considerations(passport: Passport) -> dict[str, Any]:
    considerations: dict[str, Any] = {"technicalLimitations": list(passport.dataset.not_checked)}
    if passport.intended_use:
        considerations["useCases"] = [passport.intended_use]
    energy = passport.run.energy
    if energy:
        amount = {"value": energy.watt_hours / WATT_HOURS_PER_KWH, "unit": "kWh"}
        considerations["environmentalConsiderations"] = {
            "energyConsumptions": [
                {
                    "activity": "training",
                    "energyProviders": [
                        {"organization": {"name": "unknown"}, "energySource": "unknown", "energyProvided": amount}
                    ],
                    "activityEnergyCost": amount,
                    "properties": [
                        {"name": "kifabrik:energy:class", "value": energy.method_class},
                        {"name": "kifabrik:energy:method", "value": energy.method},
                    ],
                }
            ]
        }
    return considerations


def _dataset_component(passport: Passport) -> dict[str, Any]:
    card = passport.dataset
    kinds = [f"{each.kind}: {each.findings}" for each in card.personal_data if each.findings]
    return {
        "bom-ref": _DATASET_REF,
        "type": "data",
        "name": card.name,
        "licenses": [{"license": {"name": card.origin.licence}}],
        "hashes": [{"alg": "SHA-256", "content": _hex(card.dataset_digest)}],
        "data": [
            {
                "type": "dataset",
                "name": card.origin.title,
                "contents": {"properties": [{"name": "kifabrik:dataset:source", "value": card.origin.source}]},
                **({"sensitiveData": kinds} if kinds else {}),
            }
        ],
    }


def _packages(passport: Passport) -> list[dict[str, Any]]:
    return [
        {"bom-ref": f"pkg:pypi/{name}@{version}", "type": "library", "name": name, "version": version}
        for name, version in sorted(passport.run.environment.packages.items())
    ]


def _hex(name: str) -> str:
    return name.removeprefix("sha256:")
