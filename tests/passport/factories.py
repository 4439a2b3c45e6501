"""Makes small but whole papers and release folders for the tests of the passport."""

import json
from datetime import UTC, datetime
from pathlib import Path

from kifabrik.core import digests
from kifabrik.passport import release_folder, signing
from kifabrik.passport.keys import KeyPair, ensure_key
from kifabrik.passport.papers import ReleasePapers
from kifabrik.records import DatasetCard, EvaluationReport, Recipe, RunManifest, TestResult, Verdict
from kifabrik.records.dataset_card import DeclaredOrigin, PersonalDataCount, Shard
from kifabrik.records.passport import AwardRecord, Decision, UsageSummary
from kifabrik.records.run_manifest import ComputeRecord, EnergyRecord, Environment, ModelRecord, StepRecord

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TESTS = ("integrity", "contamination", "usefulness", "canary-exposure", "extraction")


def make_safetensors(header: object, data: bytes = b"") -> bytes:
    """Write a safetensors file from any header, sound or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def make_result(test: str, **changes: object) -> TestResult:
    fields = {
        "test": test,
        "title": f"Test of {test}",
        "version": 1,
        "verdict": Verdict.GREEN,
        "statistic": 0.5,
        "interval": (0.4, 0.6),
        "unit": "share",
        "threshold": "more than 1 is red",
        "n": 10,
        "seed": 17,
        "seconds": 0.1,
        "reason": "All is as it should be.",
        "reference": "G0",
    }
    return TestResult(**{**fields, **changes})


def make_report(*results: TestResult, **changes: object) -> EvaluationReport:
    fields = {
        "run_id": "run-1",
        "model_digest": digests.digest_bytes(b"model"),
        "dataset_digest": digests.digest_bytes(b"dataset"),
        "made_at": NOW.isoformat(),
        "results": results or tuple(map(make_result, TESTS)),
    }
    return EvaluationReport(**{**fields, **changes})


def make_card() -> DatasetCard:
    shards = (
        Shard(path="train-00000.parquet", digest=digests.digest_bytes(b"a"), size_bytes=1, documents=95, split="train"),
        Shard(
            path="held-out-00000.parquet",
            digest=digests.digest_bytes(b"b"),
            size_bytes=1,
            documents=5,
            split="held-out",
        ),
    )
    return DatasetCard(
        name="letters",
        dataset_digest=digests.digest_listing({each.path: each.digest for each in shards}),
        made_at=NOW.isoformat(),
        tool="kifabrik test",
        origin=DeclaredOrigin(
            title="Letters | of a firm",
            licence="CC-BY-4.0",
            source="own archive",
            source_kind="own",
            legal_basis="6(1)f",
        ),
        files_read=101,
        files_skipped=0,
        skipped=(),
        documents_read=101,
        documents_kept=100,
        exact_duplicates_removed=1,
        text_bytes=123_456,
        train_documents=95,
        held_out_documents=5,
        split_rule="by document",
        languages={"de": 60, "en": 40},
        formats={"txt": 100},
        licences_detected={},
        personal_data=(PersonalDataCount(kind="email", findings=3, documents=2),),
        findings=(),
        not_checked=("names and addresses of persons",),
        shards=shards,
    )


def make_model_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    header = {
        "__metadata__": {"format": "pt"},
        "model.embed.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "model.norm.weight": {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]},
    }
    (folder / "model.safetensors").write_bytes(make_safetensors(header, bytes(36)))
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (folder / "tokenizer.json").write_text("{}")
    return folder


def make_papers(model_folder: Path, **changes: object) -> ReleasePapers:
    card, files = make_card(), digests.digest_files(model_folder)
    model = ModelRecord(
        architecture="LlamaForCausalLM",
        parameters=1_046_784,
        context_tokens=256,
        vocabulary=2048,
        files=files,
        model_digest=digests.digest_listing(files),
    )
    evaluation = make_report(model_digest=model.model_digest, dataset_digest=card.dataset_digest)
    papers = ReleasePapers(
        model_name="acme-support",
        release_version="1",
        organisation="Acme | GmbH",
        dataset=card,
        run=make_manifest(card, model, evaluation),
        evaluation=evaluation,
        award=AwardRecord(
            call="Playground 2026",
            access_mode="playground",
            access_mode_version="1",
            proposal_id="proposal-1",
            proposal_title="Support",
            organisation="Acme | GmbH",
            award_id="award-1",
            allocation_id="allocation-1",
            site="laptop",
            granted_gpu_seconds=36_000,
            starts_on="2026-11-01",
            ends_on="2027-02-01",
        ),
        usage=UsageSummary(posted_gpu_seconds=120, unit="CPU", ledger_entries=("transfer-1",)),
        decisions=(
            Decision(what="award", by="O", role="officer", at=NOW.isoformat(), outcome="award", reasons="Sound."),
        ),
    )
    return ReleasePapers(**{**{name: getattr(papers, name) for name in papers.__slots__}, **changes})


def make_manifest(card: DatasetCard, model: ModelRecord, evaluation: EvaluationReport) -> RunManifest:
    recipe = Recipe(name="small", dataset="letters", pretraining={"budget": {"steps": 10}}, intended_use="Support.")
    moment = NOW.isoformat()
    return RunManifest(
        run_id="run-1",
        recipe=recipe,
        recipe_digest=recipe.digest(),
        dataset_digest=card.dataset_digest,
        dataset_name=card.name,
        environment=Environment(
            python="3.11", platform="Linux", processor="x", threads=2, device="cpu", packages={"torch": "2.13.0"}
        ),
        attempts=1,
        steps=(StepRecord(step="pretraining", started_at=moment, ended_at=moment, wall_seconds=75.0),),
        compute=ComputeRecord(flop=2_000_000_000_000, method="closed formula", train_tokens=900_000, wall_seconds=80.0),
        energy=EnergyRecord(watt_hours=0.4, method_class="modelled", method="CPU seconds times 10 W"),
        model=model,
        evaluation_digest=evaluation.digest(),
        finished=True,
    )


def make_release(place: Path, **changes: object) -> tuple[Path, KeyPair]:
    """Build and sign a release below `place`."""
    model_folder = make_model_folder(place / "run" / "model")
    key = ensure_key(place / "keys")
    release_folder.build(
        place / "release", papers=make_papers(model_folder, **changes), model_folder=model_folder, now=NOW
    )
    signing.sign(place / "release", key=key)
    return place / "release", key
