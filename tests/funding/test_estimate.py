"""The estimator: by hand for one recipe, by property for others; the training gate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core.findings import Finding, Severity
from kifabrik.core.flop import DecoderShape, training_flop
from kifabrik.funding.estimate import estimate, gpu_seconds_for, utilisation_of
from kifabrik.funding.reference import systems
from kifabrik.funding.training_gate import blocking_findings
from kifabrik.records import DatasetCard, Recipe

SHAPE = DecoderShape(hidden_size=128, layers=4, feedforward_size=344, vocabulary=2048, context_tokens=256)


def recipe(**changes) -> Recipe:
    fields = {"name": "tiny", "dataset": "folder", "pretraining": {"budget": {"steps": 300}}, **changes}
    return Recipe.model_validate(fields)


NO_TESTS = {"evaluation": {"held_out_documents": 1, "extraction_windows": 0}, "canaries": {"planted": 0, "controls": 0}}


def test_steps_are_counted_by_the_closed_formula() -> None:
    found = estimate(recipe=recipe(**NO_TESTS), system=systems()["laptop"], text_bytes=1_000_000)

    tokens = 300 * 8 * 256
    train_seconds = training_flop(SHAPE, tokens) / (5e10 * 0.5)
    assert found.tokens == tokens
    assert found.gpu_seconds == pytest.approx((train_seconds + 1 + 120) * 1.2, rel=0.01)
    assert found.time_limit_seconds == 2 * found.gpu_seconds
    assert found.watt_hours == pytest.approx(found.gpu_seconds * 30 / 3600, rel=0.001)
    assert any("modelled" in line for line in found.assumptions)


def test_a_time_budget_takes_its_time() -> None:
    boxed = recipe(pretraining={"budget": {"time": "90 s"}}, fine_tuning={"budget": {"time": "30 s"}}, **NO_TESTS)

    found = estimate(recipe=boxed, system=systems()["laptop"], text_bytes=0)

    assert found.gpu_seconds == pytest.approx((90 + 30 + 120) * 1.2, abs=2)


def test_devices_share_the_training_and_are_all_paid_for_until_the_end() -> None:
    one = estimate(recipe=recipe(**NO_TESTS), system=systems()["laptop"], text_bytes=0)
    four = estimate(
        recipe=recipe(hardware={"nodes": 2, "processes_per_node": 2}, **NO_TESTS),
        system=systems()["laptop"],
        text_bytes=0,
    )

    training = training_flop(SHAPE, 300 * 8 * 256) / (5e10 * 0.5)
    assert four.devices == 4
    assert (four.tokens, four.flop) == (one.tokens, one.flop)
    assert four.gpu_seconds == pytest.approx(4 * (training / 4 + 120) * 1.2, rel=0.02)
    assert four.gpu_seconds_at_most == 4 * four.time_limit_seconds
    assert any("4 devices" in line for line in four.assumptions)


def test_an_unknown_dataset_size_is_stated() -> None:
    assert "not known" in estimate(recipe=recipe(), system=systems()["laptop"]).assumptions[-1]


def test_systems_differ_by_their_speed() -> None:
    assert utilisation_of(systems()["lumi-g"]) == 0.40
    slow, fast = (
        gpu_seconds_for(parameters=7 * 10**9, tokens=2 * 10**9, system=systems()[code])
        for code in ("lumi-g", "marenostrum5-acc")
    )
    assert slow / fast == pytest.approx(989 / 383, rel=0.001)


@given(steps=st.integers(1, 10**6), layers=st.integers(1, 32))
def test_more_work_never_needs_less_time(steps, layers) -> None:
    def seconds(steps, layers):
        asked = recipe(pretraining={"budget": {"steps": steps}}, model={"layers": layers})
        return estimate(recipe=asked, system=systems()["laptop"]).gpu_seconds

    assert seconds(steps, layers) <= seconds(steps + 100, layers)
    assert seconds(steps, layers) <= seconds(steps, layers + 1)


def card(*findings) -> DatasetCard:
    return DatasetCard.model_validate(
        {
            "name": "x", "dataset_digest": "sha256:" + "a" * 64, "made_at": "2026-11-24", "tool": "test",
            "origin": {"title": "x", "licence": "unknown", "source": "x"}, "files_read": 1, "files_skipped": 0,
            "skipped": [], "documents_read": 1, "documents_kept": 1, "exact_duplicates_removed": 0, "text_bytes": 1,
            "train_documents": 1, "held_out_documents": 0, "split_rule": "x", "languages": {}, "formats": {},
            "licences_detected": {}, "personal_data": [], "findings": findings, "not_checked": [], "shards": [],
        }
    )  # fmt: skip


def test_serious_findings_stop_training_until_accepted_and_blocking_ones_always() -> None:
    info, warning, missing, serious, blocking = (
        Finding(f"dataset.{severity}", severity, "words", where="all")
        for severity in (
            Severity.INFO,
            Severity.WARNING,
            Severity.NOT_CHECKED,
            Severity.SERIOUS,
            Severity.BLOCKING,
        )
    )
    whole = card(info, warning, missing, serious, blocking)

    assert blocking_findings(whole, accepted=()) == (blocking, serious)
    assert blocking_findings(whole, accepted={("dataset.serious", "all"), ("dataset.blocking", "all")}) == (blocking,)
    assert blocking_findings(whole, accepted={("dataset.serious", "elsewhere")}) == (blocking, serious)
    assert blocking_findings(card(info, warning, missing), accepted=()) == ()
