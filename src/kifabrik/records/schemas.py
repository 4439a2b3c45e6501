"""The published JSON Schemas of the records, one file each beside the documentation. Knows the list of records."""

import json
import sys
from pathlib import Path

from kifabrik.records.accounted_job import AccountedJob
from kifabrik.records.base import Record
from kifabrik.records.dataset_card import DatasetCard
from kifabrik.records.evaluation_report import EvaluationReport
from kifabrik.records.passport import Passport
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_event import RunEvent
from kifabrik.records.run_manifest import RunManifest
from kifabrik.records.usage_record import UsageRecord

PUBLISHED: dict[str, type[Record]] = {
    "dataset-card-1": DatasetCard,
    "recipe-1": Recipe,
    "run-manifest-1": RunManifest,
    "run-event-1": RunEvent,
    "evaluation-report-1": EvaluationReport,
    "usage-record-1": UsageRecord,
    "accounted-job-1": AccountedJob,
    "passport-1": Passport,
}


def render(name: str) -> str:
    """Write the JSON Schema of a published record as it stands in `docs/schemas/`."""
    return json.dumps(PUBLISHED[name].model_json_schema(), indent=2, sort_keys=True) + "\n"


def write_all(folder: Path) -> None:
    """Write every published schema into a folder."""
    for name in PUBLISHED:
        (folder / f"{name}.schema.json").write_text(render(name))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
