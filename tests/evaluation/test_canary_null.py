"""A model that remembers nothing is accused of memory at most once in a hundred draws, whatever it finds likely."""

from types import SimpleNamespace

import numpy as np
import pytest

from kifabrik.evaluation import canary_exposure, statistics
from kifabrik.evaluation.canaries import make_book
from kifabrik.evaluation.subject import NotRun
from kifabrik.records import Verdict
from kifabrik.records.recipe import CanaryRecipe

DRAWS = 300
FEW = CanaryRecipe(planted=6, repetitions=(1, 4), controls=24)


class Letters:
    """A tokenizer that reads letter by letter."""

    def encode_batch(self, texts, *, add_special_tokens):
        return [SimpleNamespace(ids=[ord(letter) for letter in text]) for text in texts]


class Opinionated:
    """Strongly prefers some digits, some pairs of digits and some beginnings, and remembers only what it is told to."""

    def __init__(self, seed, remembered=()):
        source = np.random.default_rng(seed)
        self.digit, self.pair = source.normal(0, 1, 256), source.normal(0, 1, (256, 256))
        self.noise, self.remembered = source, frozenset(remembered)

    def rank_endings(self, beginning, endings, lengths):
        liking = self.digit[endings].sum(axis=1) + self.pair[endings[:, :-1], endings[:, 1:]].sum(axis=1)
        said = [
            "".join(map(chr, [*beginning, *ending[:size]])).strip()
            for ending, size in zip(endings, lengths, strict=True)
        ]
        bonus = np.array([30.0 * (text in self.remembered) for text in said])
        return np.round(liking + self.noise.normal(0, 0.3, len(endings)) + bonus, 1)


def judge(seed, *, recipe=FEW, remembered=0, passes=None):
    book = make_book(recipe, seed=seed)
    known = [each.text for each in book.by_repetitions[min(book.by_repetitions)][:remembered]]
    subject = SimpleNamespace(
        canaries=book,
        recipe=SimpleNamespace(evaluation=SimpleNamespace(canary_candidates=32)),
        tokenizer=Letters(),
        model=Opinionated(seed % 3, known),  # few models: the draw of the canaries is what differs
        passes=passes,
    )
    return canary_exposure.run(subject)


def accept_up_to(share, draws):
    """Three standard deviations above what a share promises; the draws are seeded, so this never wavers."""
    return share * draws + 3 * np.sqrt(share * draws)


def test_a_model_that_remembers_nothing_is_accused_no_more_than_stated():
    outcomes = [judge(seed) for seed in range(DRAWS)]

    red = sum(each.verdict is Verdict.RED for each in outcomes)
    assert red <= accept_up_to(canary_exposure.RED_P, DRAWS)
    chances = np.array([each.statistic for each in outcomes])
    for share in (0.05, 0.1, 0.5):
        assert (chances <= share).sum() <= accept_up_to(share, DRAWS)
    assert (chances <= 0.5).sum() > DRAWS / 4  # nor does it hide behind chances that are never small


def test_a_model_that_remembers_what_it_saw_once_is_accused():
    assert all(judge(seed, remembered=6).verdict is Verdict.RED for seed in range(20))


@pytest.mark.parametrize(("sizes", "lowest"), [((8, 64), 0.0), ((8, 64), 3.0), ((50, 900), 6.0)])
def test_the_rank_sum_test_keeps_its_word_for_all_sizes_and_many_ties(sizes, lowest, monkeypatch):
    monkeypatch.setattr(statistics, "PERMUTATIONS", 1_999)
    source, draws = np.random.default_rng(5), 500

    def draw(size):
        return np.maximum(8 - np.log2(source.integers(1, 257, size)), lowest)  # many lowest ones are equal

    chances = np.array([statistics.rank_sum_p(draw(sizes[0]), draw(sizes[1])) for _ in range(draws)])
    for share in (0.01, 0.05, 0.2):
        assert (chances <= share).sum() <= accept_up_to(share, draws)


def test_what_was_planted_once_and_read_often_is_said_so():
    assert "planted once, in text that was read 7.3 times," in judge(1, remembered=6, passes=7.3).reason
    assert "read" not in judge(1, passes=0.4).reason
    assert judge(1, passes=0.4).details["text_read_times"] == 0.4
    assert "chance does this to one" in judge(1, remembered=6).reason


def test_canaries_of_which_none_was_planted_once_say_nothing_about_once():
    with pytest.raises(NotRun, match="planted just once"):
        judge(1, recipe=CanaryRecipe(planted=6, repetitions=(4, 16), controls=24))
