from pathlib import Path

import pytest
import torch
from tests.training.conftest import TEXTS

from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.core.files import write_bytes
from kifabrik.records.recipe import Recipe
from kifabrik.training import checkpoint, fine_tuning, pair_file, pretraining
from kifabrik.training.checkpoint import Checkpoints, Position
from kifabrik.training.pairs import PairCounts, Source, extract
from kifabrik.training.stopping import Stopped
from kifabrik.training.telemetry import Measured, Sampled


class StopAfter:
    """Asks to stop at the given question, and never again."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.fixture
def pretrain(recipe, tokenizer, tokens, hardware):
    def run(folder: Path, **options):
        told = []
        options = {"recipe": recipe, **options}
        outcome = pretraining.train(
            options.pop("recipe"),
            tokenizer=tokenizer,
            train_tokens=tokens,
            held_out_tokens=tokens,
            hardware=hardware,
            checkpoints=Checkpoints(folder / "checkpoints", belongs_to="this"),
            weights_path=folder / "weights.safetensors",
            report=told.append,
            tell_seconds=0,
            **options,
        )
        return (
            outcome,
            [each.values["train_loss"] for each in told if isinstance(each, Measured) and "train_loss" in each.values],
            told,
        )

    return run


@pytest.fixture
def adapt(recipe, tokenizer, hardware):
    def run(folder: Path, *, pretrained: Path, **options):
        counts = PairCounts()
        found = extract((Source("py", text) for text in TEXTS), kind="signature-docstring", counts=counts)
        pair_file.write(folder / "pairs", found, counts=counts, tokenizer=tokenizer, context_tokens=32)
        return fine_tuning.adapt(
            recipe,
            recipe.fine_tuning,
            tokenizer=tokenizer,
            pairs=pair_file.read(folder / "pairs"),
            hardware=hardware,
            pretrained_path=pretrained,
            checkpoints=Checkpoints(folder / "adapters", belongs_to="this"),
            weights_path=folder / "adapted.safetensors",
            **options,
        )

    return run


def test_the_same_seed_gives_the_same_losses_and_weights_to_the_bit(pretrain, tmp_path) -> None:
    first, first_losses, _ = pretrain(tmp_path / "first")
    second, second_losses, _ = pretrain(tmp_path / "second")

    assert first_losses == second_losses
    assert len(first_losses) == 12
    assert read(tmp_path / "first") == read(tmp_path / "second")
    assert (first.steps, first.tokens, first.flop) == (second.steps, second.tokens, second.flop)


def test_another_seed_gives_other_losses(pretrain, recipe, tmp_path) -> None:
    _, losses, _ = pretrain(tmp_path / "first")
    _, others, _ = pretrain(tmp_path / "second", recipe=recipe.model_copy(update={"seed": 18}))

    assert losses != others


def test_training_lowers_the_held_out_loss_and_shows_a_text_before_and_after(pretrain, tmp_path) -> None:
    outcome, _, told = pretrain(tmp_path)

    first = next(
        each.values["held_out_loss"] for each in told if isinstance(each, Measured) and "held_out_loss" in each.values
    )
    assert outcome.measured["held_out_loss"] < first
    assert [each.step for each in told if isinstance(each, Sampled)] == [0, 12]


@pytest.mark.parametrize("questions", [1, 5, 7])
def test_a_stopped_phase_goes_on_to_the_same_weights(pretrain, tmp_path, questions) -> None:
    pretrain(tmp_path / "whole")

    with pytest.raises(Stopped, match=f"at step {questions}"):
        pretrain(tmp_path / "broken", should_stop=StopAfter(questions))
    outcome, losses, _ = pretrain(tmp_path / "broken")

    assert len(losses) == 12 - questions
    assert outcome.tokens == 12 * 4 * 32
    assert read(tmp_path / "broken") == read(tmp_path / "whole")


def test_fine_tuning_stops_and_goes_on_to_the_same_weights(pretrain, adapt, tmp_path) -> None:
    pretrain(tmp_path)
    pretrained = tmp_path / "weights.safetensors"
    whole = adapt(tmp_path / "whole", pretrained=pretrained)

    with pytest.raises(Stopped):
        adapt(tmp_path / "broken", pretrained=pretrained, should_stop=StopAfter(4))
    broken = adapt(tmp_path / "broken", pretrained=pretrained)

    assert whole.steps == broken.steps == 8
    assert (tmp_path / "broken/adapted.safetensors").read_bytes() == (
        tmp_path / "whole/adapted.safetensors"
    ).read_bytes()
    assert (tmp_path / "whole/adapted.safetensors").read_bytes() != pretrained.read_bytes()


def test_only_the_last_two_checkpoints_are_kept_and_none_is_pickled(pretrain, tmp_path) -> None:
    pretrain(tmp_path)

    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    kinds = {path.suffix for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()}
    assert names == ["step-000000010", "step-000000012"]
    assert kinds == {".safetensors", ".json"}


@pytest.mark.parametrize("file", ["weights.safetensors", "state.safetensors", "position.json"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(pretrain, tmp_path, file) -> None:
    pretrain(tmp_path / "whole")
    with pytest.raises(Stopped):
        pretrain(tmp_path / "broken", should_stop=StopAfter(11))
    damaged = tmp_path / "broken/checkpoints/step-000000011" / file
    damaged.write_bytes(damaged.read_bytes()[:-9])

    _, losses, _ = pretrain(tmp_path / "broken")

    assert len(losses) == 2
    assert read(tmp_path / "broken") == read(tmp_path / "whole")


def test_checkpoints_of_other_work_are_ignored(tmp_path) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    Checkpoints(tmp_path, belongs_to="theirs").save(Position(step=4), weights={"w": weight}, optimisers=())

    position = Checkpoints(tmp_path, belongs_to="ours").load(weights={"w": weight}, optimisers=())

    assert position == Position()


def test_a_loss_that_is_no_number_is_one_clear_error_and_no_checkpoint(pretrain, recipe, tmp_path) -> None:
    wild = recipe.pretraining.model_copy(update={"learning_rate": 0.99, "optimiser": "adamw"})
    poisoned = recipe.model_copy(update={"pretraining": wild})
    folder = tmp_path / "checkpoints" / "step-000000005"
    model = pretraining.build_untrained(recipe, _tokenizer_of(recipe))
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    _plant_checkpoint(folder.parent, model)

    with pytest.raises(InvalidInput, match="the loss became nan at step 6") as caught:
        pretrain(tmp_path, recipe=poisoned)

    assert caught.value.code == "training-diverged"
    assert "Lower the learning rates" in str(caught.value)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000005"]


def test_a_full_disk_while_saving_keeps_the_old_checkpoint(pretrain, recipe, tmp_path, monkeypatch) -> None:
    real = write_bytes

    def fill_up(path, data, **options):
        if ".half-000000010" in str(path) and path.name == "state.safetensors":
            raise OSError(28, "No space left on device", str(path))
        real(path, data, **options)

    monkeypatch.setattr(checkpoint.files, "write_bytes", fill_up)

    with pytest.raises(Unavailable, match="the disk is full") as caught:
        pretrain(tmp_path)

    assert "Free some space" in str(caught.value)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000005"]


def test_merged_weights_answer_as_the_adapters_did(pretrain, adapt, tmp_path, monkeypatch) -> None:
    pretrain(tmp_path)
    monkeypatch.setattr(fine_tuning, "MERGE_TOLERANCE", -1.0)

    with pytest.raises(Exception, match="a logit moved by") as caught:
        adapt(tmp_path, pretrained=tmp_path / "weights.safetensors")

    moved = float(str(caught.value).split("moved by ")[1].split(". ")[0])
    assert moved < 1e-4


def read(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


def _tokenizer_of(recipe: Recipe):
    from kifabrik.training.tokenizer import train_tokenizer

    return train_tokenizer(TEXTS, vocabulary=recipe.tokenizer.vocabulary)


def _plant_checkpoint(folder: Path, model) -> None:
    from kifabrik.training.optimisers import for_pretraining

    optimisers = for_pretraining(model, kind="adamw", learning_rate=0.9, matrix_learning_rate=0.1)
    weights = dict(model.named_parameters())
    for each in weights.values():
        each.grad = torch.zeros_like(each)
    optimisers[0].step()
    Checkpoints(folder, belongs_to="this").save(Position(step=5, loss=1.0), weights=weights, optimisers=optimisers)
