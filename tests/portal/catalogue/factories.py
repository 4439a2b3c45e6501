"""Makes cards, dataset versions, finished runs and release candidates for tests, through the services."""

import hmac
import io
import json
import struct
from dataclasses import asdict
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq
from tests.portal.compute import factories as compute
from tests.portal.compute.factories import NOW, Place, make_place, store

from kifabrik.core.digests import digest_bytes, digest_listing
from kifabrik.core.findings import Finding, Severity
from kifabrik.portal.calls.models import Check
from kifabrik.portal.catalogue.models import DatasetVersion, Release
from kifabrik.portal.catalogue.services import datasets, releases, trainings
from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.services import reports
from kifabrik.portal.compute.services.files import FileEntry
from kifabrik.portal.people.models import User
from kifabrik.records import DatasetCard, EvaluationReport, RunManifest, Verdict
from kifabrik.records.evaluation_report import TestResult

__all__ = ["NOW", "Place", "make_place"]

SERIOUS = Finding("dataset.personal-data.email", Severity.SERIOUS, "3 e-mail addresses.", where="train", remedy="Mask.")
BLOCKING = Finding("dataset.empty", Severity.BLOCKING, "Nothing to learn from.", where="train")
WARNING = Finding("dataset.licence", Severity.WARNING, "The licence is not an SPDX identifier.")
UNCHECKED = Finding("dataset.names", Severity.NOT_CHECKED, "Names of persons were not looked for.")
GATE_TESTS = ("integrity", "contamination", "usefulness", "canary-exposure", "extraction")
_numbers = count(1)


def make_card(*, findings=(WARNING, UNCHECKED), shards=None, **changes) -> DatasetCard:
    """Make a card of two shards."""
    shards = shards or [("train-00000.parquet", b"train"), ("held-out-00000.parquet", b"held out")]
    rows = [
        {
            "path": path,
            "digest": digest_bytes(data),
            "size_bytes": len(data),
            "documents": 10,
            "split": "held-out" if path.startswith("held") else "train",
        }
        for path, data in shards
    ]
    fields = {
        "name": "letters",
        "dataset_digest": digest_listing({row["path"]: row["digest"] for row in rows}),
        "made_at": NOW.isoformat(),
        "tool": "kifabrik 0",
        "origin": {"title": "Letters to customers", "licence": "CC-BY-4.0", "source": "our desk", "source_kind": "own"},
        "files_read": 22,
        "files_skipped": 1,
        "skipped": [{"path": "logo.png", "reason": "not a text"}],
        "documents_read": 25,
        "documents_kept": 20,
        "exact_duplicates_removed": 5,
        "text_bytes": 123_456,
        "train_documents": 19,
        "held_out_documents": 1,
        "split_rule": "by document",
        "languages": {"de": 15, "en": 5},
        "formats": {".txt": 20},
        "licences_detected": {},
        "personal_data": [{"kind": "email", "findings": 3, "documents": 2}],
        "findings": findings,
        "not_checked": ["Names of persons"],
        "shards": rows,
    }
    return DatasetCard.model_validate({**fields, **changes})


def folder_of(place: Place, card: DatasetCard, *, data=(b"train", b"held out")) -> list[FileEntry]:
    """Bring the files of a dataset folder into the store; returns the listing."""
    contents = {shard.path: each for shard, each in zip(card.shards, data, strict=True)}
    contents["card.json"] = card.model_dump_json().encode()
    return [
        FileEntry(path, store(place.organisation, place.manager, each), len(each)) for path, each in contents.items()
    ]


def make_version(place: Place, *, name="letters", data=None, is_public=False, **card) -> DatasetVersion:
    """Register a dataset version."""
    data = data or (f"train {next(_numbers)}".encode(), b"held out")
    shards = [("train-00000.parquet", data[0]), ("held-out-00000.parquet", data[1])]
    made = make_card(shards=shards, **card)
    version = datasets.register(
        by=place.manager,
        organisation=place.organisation,
        name=name,
        card=made,
        files=folder_of(place, made, data=data),
        now=NOW,
    )
    if is_public:
        datasets.set_visibility(by=place.manager, dataset=version.dataset, is_public=True, now=NOW)
    return version


def make_recipe(**changes):
    """Make a recipe that bears any dataset."""
    return compute.make_recipe(dataset="any", **changes)


def start(place: Place, version: DatasetVersion | None = None, **changes) -> Run:
    """Start a training."""
    version = version or make_version(place)
    given = {
        "by": place.manager,
        "allocation": place.allocation,
        "version": version,
        "recipe": make_recipe(),
        "now": NOW,
    }
    return trainings.start(**{**given, **changes})


def safetensors(values=(1.0, 2.0)) -> bytes:
    """Make the bytes of a small weight file."""
    data = struct.pack(f"<{len(values)}f", *values)
    header = json.dumps(
        {"w": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, len(data)]}}, separators=(",", ":")
    ).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def model_files() -> dict[str, bytes]:
    """Make a model folder."""
    return {"config.json": b'{"model_type":"llama"}', "model.safetensors": safetensors(), "tokenizer.json": b"{}"}


def make_result(test: str, *, verdict=Verdict.GREEN, statistic=0.5, **changes) -> TestResult:
    """Make the result of one test."""
    fields = {
        "test": test,
        "title": f"Title of {test}",
        "version": 1,
        "verdict": verdict,
        "statistic": statistic,
        "interval": (0.4, 0.6),
        "threshold": "at most 1",
        "n": 10,
        "seed": 17,
        "seconds": 1.0,
        "reason": f"reason of {test}",
    }
    return TestResult.model_validate({**fields, **changes})


def make_papers(run: Run, *, red=(), missing=(), files=None) -> tuple[RunManifest, EvaluationReport]:
    """Make the manifest and the evaluation of a finished run."""
    listing = {name: digest_bytes(data) for name, data in (files or model_files()).items()}
    model_digest = digest_listing(listing)
    results = tuple(
        make_result(test, verdict=Verdict.RED if test in red else Verdict.GREEN)
        for test in GATE_TESTS
        if test not in missing
    )
    evaluation = compute.make_evaluation(run, model_digest=model_digest, results=results, samples=("def f(): pass",))
    manifest = compute.make_manifest(
        run,
        compute={"flop": 13 * 10**12, "method": "closed formula", "train_tokens": 5000, "wall_seconds": 100.0},
        energy={"watt_hours": 1.25, "method_class": "modelled", "method": "watts times seconds"},
        model={
            "architecture": "llama",
            "parameters": 1000,
            "context_tokens": 256,
            "vocabulary": 2048,
            "files": listing,
            "model_digest": model_digest,
        },
        evaluation_digest=evaluation.digest(),
    )
    return manifest, evaluation


def finish(place: Place, run: Run, *, files=None, **papers) -> Run:
    """Let a run succeed: reserved, run, used, delivered."""
    files = files or model_files()
    manifest, evaluation = make_papers(run, files=files, **papers)
    compute.reserve(place, run)
    compute.say(place, run, "running")
    entries = [
        FileEntry(f"model/{name}", store(place.organisation, place.manager, data), len(data))
        for name, data in files.items()
    ]
    compute.say(place, run, "succeeded")
    compute.use(place, run, 90)
    return reports.report_outputs(
        by=place.operator,
        site=place.site,
        run_id=run.pk,
        listing=[asdict(entry) for entry in entries],
        manifest=manifest,
        evaluation=evaluation,
        now=NOW,
    )


def make_candidate(place: Place | None = None, *, name=None, version=None, **papers) -> Release:
    """Make a release candidate with everything behind it."""
    place = place or make_place()
    run = finish(place, start(place, version), **papers)
    decide(place)
    return releases.create_candidate(
        by=place.manager, run=run, model_name=name or f"letters-{next(_numbers)}", summary="Writes letters.", now=NOW
    )


def decide(place: Place, *, by: User | None = None) -> None:
    """Add the checks of the proposal that the factories of compute leave out."""
    proposal = place.allocation.award.proposal
    if not proposal.checks.exists():
        Check.objects.create(proposal=proposal, kind="eligibility", outcome="passed", findings=[], at=NOW)
        Check.objects.create(
            proposal=proposal,
            kind="technical",
            outcome="passed",
            findings=[],
            reasons="It fits.",
            by=place.operator,
            at=NOW,
        )


def make_shard(texts: dict[str, str]) -> bytes:
    """Make the bytes of a real shard: one document for each source."""
    buffer = io.BytesIO()
    rows = {"id": list(texts), "source": list(texts), "text": list(texts.values()), "format": ["txt"] * len(texts)}
    pq.write_table(pa.table(rows), buffer)
    return buffer.getvalue()


def digest_like(value: str, *, key: bytes = b"key of the organisation") -> str:
    """Make a keyed digest as the check does."""
    return "hmac-sha256:" + hmac.digest(key, value.encode(), "sha256").hex()


def find_in(texts: dict[str, str], value: str, *, kind="email", **changes) -> list[dict]:
    """Make the rows of findings of a value that stands in texts."""
    return [
        {
            "document": source,
            "start": text.index(value),
            "end": text.index(value) + len(value),
            "kind": kind,
            "country": "",
            "tier": 2,
            "digest": digest_like(value),
            **changes,
        }
        for source, text in texts.items()
        if value in text
    ]


def make_found_version(
    place: Place, texts: dict[str, str], rows: list[dict], *, name="letters", key_id="key-1", **card
):
    """Register a version whose folder holds real shards and rows of findings."""
    data = (make_shard(texts), make_shard({f"held-{next(_numbers)}.txt": "Nothing of interest."}))
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    fields = {
        "redaction": {"key_id": key_id},
        "findings_file": {"digest": digest_bytes(lines), "rows": len(rows)},
        "shards": [("train-00000.parquet", data[0]), ("held-out-00000.parquet", data[1])],
        **card,
    }
    made = make_card(**fields)
    files = folder_of(place, made, data=data)
    files.append(FileEntry("findings.jsonl", store(place.organisation, place.manager, lines), len(lines)))
    return datasets.register(
        by=place.manager, organisation=place.organisation, name=name, card=made, files=files, now=NOW
    )
