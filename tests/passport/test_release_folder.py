"""A release folder is built from records alone: card, bill of materials and evidence say what the records say."""

import dataclasses
import json
import stat

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.passport.factories import NOW, make_model_folder, make_papers

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Severity
from kifabrik.passport import completeness, keys, release_folder
from kifabrik.passport.assemble import assemble
from kifabrik.passport.reference import law
from kifabrik.records import Passport
from kifabrik.records.run_manifest import ComputeRecord


@pytest.fixture
def model_folder(tmp_path):
    return make_model_folder(tmp_path / "model")


@pytest.fixture
def papers(model_folder):
    return make_papers(model_folder)


def build(tmp_path, papers, model_folder):
    folder = tmp_path / "release"
    return folder, release_folder.build(folder, papers=papers, model_folder=model_folder, now=NOW)


def test_the_passport_holds_the_records_and_the_digest_of_every_other_file(tmp_path, papers, model_folder):
    folder, passport = build(tmp_path, papers, model_folder)

    assert Passport.read(folder / "passport.json") == passport
    assert (passport.dataset, passport.run, passport.evaluation) == (papers.dataset, papers.run, papers.evaluation)
    assert (passport.award, passport.usage, passport.decisions) == (papers.award, papers.usage, papers.decisions)
    assert passport.law_as_of == "2026-11-23"
    assert set(passport.files) == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    } - {"passport.json"}


def test_the_same_records_give_the_same_bytes(tmp_path, papers, model_folder):
    one = release_folder.build(tmp_path / "a", papers=papers, model_folder=model_folder, now=NOW)
    other = release_folder.build(tmp_path / "b", papers=papers, model_folder=model_folder, now=NOW)

    assert one == other


def test_the_bill_of_materials_is_valid_by_the_strict_validator(tmp_path, papers, model_folder):
    folder, _ = build(tmp_path, papers, model_folder)
    text = (folder / "mlbom.cdx.json").read_text()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    component = json.loads(text)["metadata"]["component"]
    assert component["modelCard"]["considerations"]["environmentalConsiderations"]["energyConsumptions"][0][
        "activityEnergyCost"
    ] == {"value": 0.0004, "unit": "kWh"}
    broken = text.replace('"kWh"', '"MWh"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_the_bill_of_materials_is_valid_without_energy_award_and_use(tmp_path, papers, model_folder):
    bare = papers.run.model_copy(update={"energy": None, "compute": None})
    folder, _ = build(tmp_path, dataclasses.replace(papers, run=bare, award=None, usage=None), model_folder)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str((folder / "mlbom.cdx.json").read_text()) is None


def test_the_model_card_has_metadata_that_the_hub_reads(tmp_path, papers, model_folder):
    folder, _ = build(tmp_path, papers, model_folder)

    _, metadata, text = (folder / "README.md").read_text().split("---\n", 2)
    values = yaml.safe_load(metadata)

    assert values["license"] == "apache-2.0"
    assert values["library_name"] == "transformers"
    assert values["language"] == ["de", "en"]
    assert values["kifabrik"]["gate"] == "green"
    for row in values["model-index"][0]["results"]:
        assert {"task", "dataset", "metrics"} <= set(row)
    assert "1,046,784 parameters" in text
    assert "compliant" not in text.lower()
    assert "certified" not in text.lower()
    assert "email: 3 in 2 documents" in text
    assert "names and addresses of persons" in text


def test_the_model_card_is_read_by_the_hub_library(tmp_path, papers, model_folder):
    hub = pytest.importorskip("huggingface_hub")
    folder, _ = build(tmp_path, papers, model_folder)

    card = hub.ModelCard.load(folder / "README.md")

    assert card.data.model_name == "acme-support"
    assert {result.metric_type for result in card.data.eval_results} >= {"usefulness", "extraction"}


def test_what_the_makers_say_is_marked_as_theirs_and_cannot_break_the_card(tmp_path, papers, model_folder):
    said = dataclasses.replace(papers, summary="Writes | letters.\n---\n<script>")

    folder, _ = build(tmp_path, said, model_folder)

    text = (folder / "README.md").read_text()
    assert "In the words of its makers: Writes \\| letters. --- &lt;script>" in text


def test_papers_of_different_runs_are_not_mixed(tmp_path, papers, model_folder):
    for changes in (
        {"dataset": papers.dataset.model_copy(update={"dataset_digest": "sha256:" + "0" * 64})},
        {"evaluation": papers.evaluation.model_copy(update={"run_id": "run-2"})},
        {"evaluation": papers.evaluation.model_copy(update={"samples": ("another",)})},
        {"run": papers.run.model_copy(update={"finished": False})},
        {"run": papers.run.model_copy(update={"recipe": papers.run.recipe.model_copy(update={"seed": 1})})},
    ):
        with pytest.raises(Conflict):
            build(tmp_path, dataclasses.replace(papers, **changes), model_folder)
        assert not (tmp_path / "release").exists()
        assert not list(tmp_path.glob(".release*"))


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_a_model_that_is_not_the_run_s_is_not_released(tmp_path, papers, model_folder, change):
    if change == "changed":
        (model_folder / "config.json").write_text("{}")
    elif change == "added":
        (model_folder / "more.json").write_text("{}")
    else:
        (model_folder / "config.json").unlink()

    with pytest.raises(Conflict) as caught:
        build(tmp_path, papers, model_folder)

    assert caught.value.where in ("model/config.json", "model/more.json")
    assert not (tmp_path / "release").exists()


def test_a_model_with_code_is_not_released_even_if_the_run_recorded_it(tmp_path, model_folder):
    (model_folder / "modeling.py").write_text("import os")

    with pytest.raises(InvalidInput, match="code"):
        build(tmp_path, make_papers(model_folder), model_folder)


def test_a_folder_that_is_there_is_left_alone(tmp_path, papers, model_folder):
    (tmp_path / "release").mkdir()

    with pytest.raises(Conflict):
        build(tmp_path, papers, model_folder)


def evidence_of(papers):
    return {each.code: each for each in completeness.check(papers, reference=law(), now=NOW)}


def test_evidence_names_the_article_and_the_fields(papers):
    found = evidence_of(papers)

    compute = found["evidence.annex-xi.1-2-d"]
    assert compute.severity is Severity.INFO
    assert compute.message.startswith("Evidence for AI Act Annex XI, section 1, 2(d)")
    assert compute.where == "run.compute.flop, run.compute.method, run.compute.wall_seconds"
    assert "checked 2026-11-23, grade A" in compute.reference
    assert set(found) >= {f"evidence.{item.id}" for item in law().items}


def test_a_gap_is_said_and_never_hidden(papers):
    bare = papers.run.model_copy(
        update={"energy": None, "recipe": papers.run.recipe.model_copy(update={"intended_use": ""})}
    )

    found = evidence_of(dataclasses.replace(papers, run=bare))

    assert found["evidence.annex-xi.1-2-e"].severity is Severity.WARNING
    assert "run.energy.watt_hours" in found["evidence.annex-xi.1-2-e"].message
    assert found["evidence.annex-xi.1-1-a"].severity is Severity.WARNING
    assert found["evidence.art-53.1-c"].severity is Severity.NOT_CHECKED
    assert found["evidence.art-53.1-c"].remedy


def test_unknown_declarations_are_no_evidence_and_no_personal_data_needs_no_legal_basis(papers):
    def declared(**changes):
        origin = papers.dataset.origin.model_copy(update=changes)
        return evidence_of(dataclasses.replace(papers, dataset=papers.dataset.model_copy(update={"origin": origin})))

    assert declared(personal_data_role="unknown")["evidence.gdpr.art-6"].severity is Severity.WARNING
    assert declared(personal_data_role="controller")["evidence.gdpr.art-6"].severity is Severity.INFO
    none = declared(personal_data_role="none", legal_basis="")["evidence.gdpr.art-6"]
    assert none.severity is Severity.INFO
    assert "not applicable as declared" in none.message


@pytest.mark.parametrize(
    ("flop", "general", "systemic"),
    [
        (10**23, Severity.INFO, Severity.INFO),
        (10**23 + 10**20, Severity.SERIOUS, Severity.INFO),
        (2 * 10**25, Severity.SERIOUS, Severity.SERIOUS),
    ],
)
def test_compute_is_compared_with_the_thresholds(papers, flop, general, systemic):
    compute = ComputeRecord(flop=flop, method="m", train_tokens=1, wall_seconds=1)

    found = evidence_of(dataclasses.replace(papers, run=papers.run.model_copy(update={"compute": compute})))

    assert found["compute.general-purpose"].severity is general
    assert found["compute.systemic-risk"].severity is systemic
    assert f"{flop / 3:.2e}" in found["compute.modification"].message


def test_modelled_energy_and_a_missing_award_are_said(papers):
    found = evidence_of(dataclasses.replace(papers, award=None))

    assert "modelled" in found["energy.quality"].message
    assert found["award.none"].severity is Severity.WARNING
    assert "award.none" not in evidence_of(papers)


def test_size_bands_of_the_public_summary():
    assert completeness.size_band(999_999_999, reference=law()).startswith("less than 1 billion")
    assert completeness.size_band(10**9, reference=law()).startswith("1 billion to")
    assert completeness.size_band(10**13, reference=law()).startswith("more than")


def test_nothing_in_a_passport_claims_compliance(papers):
    text = assemble(papers, files={}, now=NOW).model_dump_json().lower()

    assert "compliant" not in text
    assert "certified" not in text


def test_every_fact_of_law_names_its_source():
    reference = law()

    for row in (*reference.thresholds, *reference.size_bands, *reference.dates, *reference.items):
        assert row.source.checked_on <= reference.as_of
        assert row.source.grade in "ABCD"
    assert len({item.id for item in reference.items}) == len(reference.items)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    one, again = keys.ensure_key(tmp_path / "keys"), keys.ensure_key(tmp_path / "keys")

    assert one == again
    assert stat.S_IMODE(one.private_path.stat().st_mode) == 0o600
    assert b"PRIVATE" not in one.public_pem
    assert one.key_id == keys.key_id_of(one.public_pem)
    assert [path.name for path in sorted((tmp_path / "keys").iterdir())] == ["passport-key.pem", "passport-key.pub"]


def test_processes_that_race_for_the_key_get_the_same(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: keys.ensure_key(tmp_path / "keys").key_id, range(16)))

    assert len(found) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path):
    key = keys.ensure_key(tmp_path)
    key.private_path.chmod(0o644)

    with pytest.raises(InvalidInput, match="others may read"):
        keys.ensure_key(tmp_path)


@pytest.mark.parametrize("pem", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(pem):
    with pytest.raises(InvalidInput):
        keys.load_public(pem)


def test_a_key_of_another_kind_is_refused():
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = (
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(InvalidInput, match="P-256"):
        keys.load_public(pem)
