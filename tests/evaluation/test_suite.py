"""The suite names a model that remembers, is useless or was changed, and never says green for nothing."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from tests.evaluation import lab

from kifabrik.core.digests import digest_bytes
from kifabrik.evaluation import canary_exposure, contamination, extraction, integrity, suite, usefulness
from kifabrik.evaluation.documents import TokenizedDocuments
from kifabrik.evaluation.subject import NotRun, Outcome, Test
from kifabrik.passport import gate
from kifabrik.records import EvaluationReport, Verdict

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def evaluate(bench, **changes):
    fields = {
        "recipe": bench.recipe,
        "run_id": "run-1",
        "model_folder": bench.model_folder,
        "untrained_folder": bench.untrained_folder,
        "train": bench.train,
        "held_out": bench.held_out,
        "canaries": bench.book,
        "dataset_digest": digest_bytes(b"dataset"),
        "model_digest": bench.model_digest,
        "now": NOW,
    }
    return suite.evaluate(**{**fields, **changes})


def verdicts(report):
    return {result.test: result.verdict for result in report.results}


@pytest.fixture
def copy(learner, tmp_path):
    return shutil.copytree(learner.model_folder, tmp_path / "model")


def test_a_model_that_learnt_the_language_passes_every_test(learner):
    report = evaluate(learner)

    assert set(verdicts(report).values()) == {Verdict.GREEN}
    assert set(verdicts(report)) == set(gate.REQUIRED_TESTS)
    assert gate.judge(report, waivers=(), today=NOW.date()).verdict is Verdict.GREEN
    for result in report.results:
        assert result.n > 0
        assert result.statistic is not None
        assert result.threshold
        assert result.reason
        assert result.reference
        assert result.seed == learner.recipe.seed


def test_a_model_that_learnt_by_heart_is_red_for_memory_and_recitation(memoriser):
    found = verdicts(evaluate(memoriser))

    assert found["canary-exposure"] is Verdict.RED
    assert found["extraction"] is Verdict.RED
    assert found["integrity"] is Verdict.GREEN


def test_the_same_evaluation_twice_gives_the_same_figures(learner):
    def figures(report):
        return [(each.test, each.verdict, each.statistic, each.interval, each.details) for each in report.results]

    one, other = evaluate(learner), evaluate(learner)

    assert figures(one) == figures(other)
    assert one.samples == other.samples
    assert len(one.samples) == 3


def test_the_report_is_a_record_that_can_be_written_and_read(learner, tmp_path):
    report = evaluate(learner)

    report.write(tmp_path / "evaluation.json")

    assert EvaluationReport.read(tmp_path / "evaluation.json") == report


def test_an_untrained_model_is_private_and_useless_and_told_so(learner):
    digest = lab.digests.digest_listing(lab.digests.digest_files(learner.untrained_folder))

    report = evaluate(learner, model_folder=learner.untrained_folder, model_digest=digest)

    found = verdicts(report)
    assert found["usefulness"] is Verdict.RED
    assert found["canary-exposure"] is Verdict.GREEN
    assert "learnt too little" in next(each for each in report.results if each.test == "canary-exposure").reason


def test_held_out_text_that_was_trained_on_is_red(learner):
    leaked = learner.train.select(np.arange(12))
    both = TokenizedDocuments(
        tokens=np.concatenate([learner.held_out.tokens, leaked.tokens]),
        starts=np.concatenate([learner.held_out.starts, learner.held_out.starts[-1] + leaked.starts[1:]]),
    )

    outcome = contamination.run(learner.subject(held_out=both))

    assert outcome.verdict is Verdict.RED
    assert outcome.details["dirty_documents"] == 12
    assert outcome.statistic == pytest.approx(12 / 52)


def test_leaked_documents_do_not_make_a_model_look_useful(memoriser):
    leaked = memoriser.train.select(np.arange(4))

    with pytest.raises(NotRun, match="0 clean held-out documents"):
        usefulness.run(memoriser.subject(held_out=leaked))


@pytest.mark.parametrize(
    ("held_out", "test"),
    [
        (TokenizedDocuments(np.zeros(0, dtype=np.uint16), np.zeros(1, dtype=np.int64)), "contamination"),
        (TokenizedDocuments(np.zeros(0, dtype=np.uint16), np.zeros(1, dtype=np.int64)), "usefulness"),
        (TokenizedDocuments(np.zeros(0, dtype=np.uint16), np.zeros(1, dtype=np.int64)), "extraction"),
        (TokenizedDocuments(np.array([0, 5, 6], dtype=np.uint16), np.array([0, 3])), "usefulness"),
    ],
)
def test_an_empty_or_tiny_held_out_set_is_not_run(learner, held_out, test):
    result = next(each for each in evaluate(learner, held_out=held_out).results if each.test == test)

    assert result.verdict is Verdict.NOT_RUN
    assert result.n == 0
    assert result.reason


def test_no_canaries_or_too_few_are_not_run(learner):
    few = lab.make_book(learner.recipe.canaries.model_copy(update={"planted": 1, "controls": 8}), seed=1)

    with pytest.raises(NotRun, match="no canaries"):
        canary_exposure.run(learner.subject(canaries=None))
    with pytest.raises(NotRun, match="never reach"):
        canary_exposure.run(learner.subject(canaries=few))


def test_too_few_windows_can_never_be_green(learner):
    with pytest.raises(NotRun, match="too few"):
        extraction.run(learner.subject(recipe=lab.make_recipe(extraction_windows=200)))


def test_a_changed_weight_an_added_file_and_code_are_red(learner, copy):
    subject = learner.subject(model_folder=copy)
    assert integrity.run(subject).verdict is Verdict.GREEN

    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert integrity.run(subject).verdict is Verdict.RED

    (copy / "modeling.py").write_text("import os")
    outcome = integrity.run(subject)
    assert outcome.verdict is Verdict.RED
    assert "modeling.py" in outcome.reason


def test_a_weight_that_is_not_a_number_is_red(learner, copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    name = sorted(weights)[0]
    weights[name].view(-1)[0] = torch.nan
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    digest = lab.digests.digest_listing(lab.digests.digest_files(copy))

    report = evaluate(learner, model_folder=copy, model_digest=digest)

    found = verdicts(report)
    assert found["integrity"] is Verdict.RED
    assert Verdict.GREEN not in (found["usefulness"], found["canary-exposure"])


def test_files_that_are_not_sound_are_not_loaded_by_any_test(learner, copy):
    (copy / "pytorch_model.bin").write_bytes(b"\x80\x04")

    found = verdicts(evaluate(learner, model_folder=copy))

    assert found["integrity"] is Verdict.RED
    assert {found[name] for name in ("usefulness", "canary-exposure", "extraction")} == {Verdict.NOT_RUN}


def test_a_test_that_breaks_off_is_not_run_and_the_others_go_on(learner):
    def break_off(subject):
        raise RuntimeError("the detector was not found")

    broken = Test("robustness", "t", 1, "", "any", "none", break_off)
    report = evaluate(learner, tests=(broken, integrity.TEST))

    first, second = report.results
    assert first.verdict is Verdict.NOT_RUN
    assert "the detector was not found" in first.reason
    assert second.verdict is Verdict.GREEN


def test_a_figure_that_is_no_number_is_not_run(learner):
    def give_nan(subject):
        return Outcome(verdict=Verdict.GREEN, reason="fine", n=1, statistic=float("nan"))

    (result,) = evaluate(learner, tests=(Test("x", "t", 1, "", "any", "none", give_nan),)).results

    assert result.verdict is Verdict.NOT_RUN


def test_progress_is_told_and_a_listener_may_stop_the_suite(learner):
    heard = []

    evaluate(learner, tests=(integrity.TEST, contamination.TEST), report=heard.append)

    assert [each.done for each in heard] == [0.0, pytest.approx(1 / 3), 1.0]
    assert heard[1].message == contamination.TEST.title

    class Stopped(Exception):
        pass

    def stop(_):
        raise Stopped

    with pytest.raises(Stopped):
        evaluate(learner, report=stop)
