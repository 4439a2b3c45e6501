"""The figures behind the verdicts, against values worked out by hand or by trying every case."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation import lab

from kifabrik.evaluation import overlap, statistics, trigram, usefulness
from kifabrik.evaluation.canaries import make_book
from kifabrik.evaluation.documents import TokenizedDocuments, cut_windows, window_starts
from kifabrik.evaluation.language_model import IGNORED, token_bytes
from kifabrik.records.recipe import CanaryRecipe


def documents(*rows):
    return TokenizedDocuments(
        tokens=np.array([token for row in rows for token in row], dtype=np.uint16),
        starts=np.cumsum([0, *map(len, rows)]),
    )


def try_every_choice(above, below):
    """Mann-Whitney by brute force: the share of all groupings whose U is at least the observed one."""

    def u(one, other):
        return sum((a > b) + (a == b) / 2 for a in one for b in other)

    values = [*above, *below]
    observed, places = u(above, below), range(len(values))
    choices = list(itertools.combinations(places, len(above)))
    reached = sum(
        u([values[i] for i in choice], [values[i] for i in places if i not in choice]) >= observed for choice in choices
    )
    return reached / len(choices)


def test_the_rank_sum_test_of_a_textbook_case():
    assert statistics.rank_sum_p(np.array([4, 5, 6.0]), np.array([1, 2, 3.0])) == pytest.approx(1 / 20)
    assert statistics.rank_sum_p(np.array([1, 2, 3.0]), np.array([4, 5, 6.0])) == pytest.approx(1.0)
    assert statistics.rank_sum_p(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == pytest.approx(1.0)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_the_rank_sum_test_is_exact_ties_included(above, below):
    ours = statistics.rank_sum_p(np.array(above, dtype=float), np.array(below, dtype=float))

    assert ours == pytest.approx(try_every_choice(above, below))


def test_the_large_rank_sum_test_agrees_with_the_exact_one(monkeypatch):
    source = np.random.default_rng(0)
    above, below = source.integers(0, 20, 30) + 2.0, source.integers(0, 20, 40) + 0.0
    exact = statistics.rank_sum_p(above, below)

    monkeypatch.setattr(statistics, "EXACT_SIZE_MAX", 0)

    assert statistics.rank_sum_p(above, below) == pytest.approx(exact, rel=0.05)


def test_an_empty_group_has_no_p():
    with pytest.raises(ValueError, match="both groups"):
        statistics.rank_sum_p(np.array([]), np.array([1.0]))


def test_the_smallest_p_of_small_groups():
    assert statistics.smallest_rank_sum_p(1, 8) == pytest.approx(1 / 9)
    assert statistics.smallest_rank_sum_p(8, 64) < 1e-9


def test_wilson_limits_of_known_cases():
    assert statistics.wilson_limits(0, 10, z=1.959964) == (0.0, pytest.approx(0.2775, abs=1e-4))
    low, high = statistics.wilson_limits(15, 148, z=1.959964)  # Newcombe 1998, table I
    assert (low, high) == (pytest.approx(0.0624, abs=1e-4), pytest.approx(0.1605, abs=1e-4))


def test_the_upper_bound_of_a_difference_of_a_known_case():
    # Newcombe 1998 (Statistics in Medicine 17, 873), table II, example (a): 56/70 - 48/80, method 10: 0.0524, 0.3339.
    def two_sided_upper(z=1.959964):
        rate, control = 56 / 70, 48 / 80
        above = statistics.wilson_limits(56, 70, z=z)[1] - rate
        below = control - statistics.wilson_limits(48, 80, z=z)[0]
        return rate - control + math.hypot(above, below)

    assert two_sided_upper() == pytest.approx(0.3339, abs=1e-4)
    assert statistics.upper_bound_of_difference(56, 70, 48, 80) < two_sided_upper()


def test_how_many_windows_without_a_hit_prove_less_than_one_per_cent():
    assert statistics.upper_bound_of_difference(0, 267, 0, 267) > 0.01
    assert statistics.upper_bound_of_difference(0, 268, 0, 268) < 0.01


def test_the_bootstrap_covers_the_mean_and_repeats_by_seed():
    source = np.random.default_rng(0)
    covered = 0
    for seed in range(100):
        values = source.normal(3.0, 1.0, size=40)
        estimate = statistics.estimate_ratio(values, np.ones(40), statistics.resample(40, rounds=300, seed=seed))
        covered += estimate.low <= 3.0 <= estimate.high
    assert 85 <= covered <= 100

    draws = statistics.resample(7, rounds=50, seed=1)
    assert (draws.sum(axis=1) == 7).all()
    assert (draws == statistics.resample(7, rounds=50, seed=1)).all()


def test_a_ratio_is_of_sums_and_not_a_mean_of_ratios():
    estimate = statistics.estimate_ratio(
        np.array([1.0, 9.0]), np.array([1.0, 99.0]), statistics.resample(2, rounds=100, seed=0)
    )

    assert estimate.value == pytest.approx(0.1)


def test_a_trigram_by_hand():
    counted = trigram.count(documents([0, 1, 2, 1, 2]), vocabulary=3)

    # Unigrams 0:1 1:2 2:2; D = 1 / (1 + 2 * 2) = 0.2, given down 0.2 * 3 / 5 = 0.12, a third of it to each token.
    assert counted.unigram == pytest.approx([0.8 / 5 + 0.04, 1.8 / 5 + 0.04, 1.8 / 5 + 0.04])
    # Bigrams 01:1 12:2 21:1; D = 2 / (2 + 2) = 0.5. p(2|1) = 1.5 / 2 + 0.5 * 1 / 2 * p(2).
    p_2_after_1 = 1.5 / 2 + 0.25 * 0.4
    # Trigrams 012:1 121:1 212:1; no count of two, D capped at 0.99. p(2|0,1) = 0.01 + 0.99 * p(2|1).
    p_2_after_0_1 = 0.01 + 0.99 * p_2_after_1
    # p(1|0) = 0.5 / 1 + 0.5 * p(1).
    expected = [math.log(0.5 + 0.5 * 0.4), math.log(p_2_after_0_1)]
    assert counted.log_likelihoods(np.array([0, 1, 2])) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=12), min_size=1, max_size=6),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_the_trigram_is_a_probability_whatever_came_before(rows, first, second):
    counted = trigram.count(documents(*rows), vocabulary=6)

    chances = [math.exp(counted.log_likelihoods(np.array([first, second, third]))[1]) for third in range(6)]

    assert sum(chances) == pytest.approx(1.0)
    assert min(chances) > 0


def test_no_n_gram_reaches_over_the_end_of_a_document():
    apart = trigram.count(documents([1, 2], [3, 4]), vocabulary=6)

    assert 2 * 6 + 3 not in apart.bigrams.grams
    assert (apart.trigrams.grams == -1).all()


def test_a_baseline_without_text_is_an_error():
    with pytest.raises(ValueError, match="no training text"):
        trigram.count(documents([]), vocabulary=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=80), st.sampled_from([2, 3, 8, 16]))
def test_windows_score_each_token_but_the_first_exactly_once(row, length):
    document = np.array(row)

    pieces = usefulness._windows(document, length)

    scored = [int(token) for _, targets in pieces for token in targets if token != IGNORED]
    assert scored == row[1:]
    for inputs, targets in pieces:
        assert len(inputs) == len(targets) == length


def test_bits_per_byte_counts_bytes_and_not_characters(learner):
    subject = learner.subject()
    sizes = token_bytes(subject.tokenizer, subject.model.vocabulary)
    ids = subject.tokenizer.encode("Käse für zwei €", add_special_tokens=False).ids

    assert sum(sizes[ids]) == len("Käse für zwei €".encode())
    assert sizes[subject.tokenizer.token_to_id("<|endoftext|>")] == 0


def test_overlap_is_counted_by_document_and_token_by_token():
    source = np.random.default_rng(0)
    shared = source.integers(1, 500, size=200)
    train = documents([0, *shared], [0, *source.integers(1, 500, size=300)])
    half = [0, *shared[:100], *source.integers(500, 900, size=100)]
    held_out = documents([0, *shared[20:180]], half, [0, *source.integers(500, 900, size=150)], [0, 1, 2])

    found = overlap.measure(train, held_out)

    assert found.length == 50
    assert found.covered_shares[:3] == pytest.approx([1.0, 0.5, 0.0])
    assert list(found.is_dirty) == [True, False, False, False]
    assert list(found.is_checked) == [True, True, True, False]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 3), min_size=0, max_size=40), min_size=1, max_size=4),
    st.lists(st.lists(st.integers(1, 3), min_size=0, max_size=40), min_size=1, max_size=4),
    st.sampled_from([15, 40, 4_000_000]),
)
def test_overlap_agrees_with_a_plain_comparison(train_rows, held_out_rows, piece):
    train, held_out = documents(*([0, *row] for row in train_rows)), documents(*([0, *row] for row in held_out_rows))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "TRAIN_PIECE_TOKENS", piece)
        found = overlap.measure(train, held_out)

    n = found.length
    grams = {tuple(train.tokens[at : at + n]) for at in range(len(train.tokens) - n + 1)}
    for number, row in enumerate(held_out_rows):
        covered = {
            at + offset for at in range(len(row) - n + 1) if tuple(row[at : at + n]) in grams for offset in range(n)
        }
        if len(row) + 1 > n:
            assert found.covered_shares[number] == pytest.approx(len(covered) / len(row))
        else:
            assert math.isnan(found.covered_shares[number])


def test_windows_stay_inside_their_documents():
    texts = documents([0, 1, 2, 3], [0], [0, 4, 5])

    starts = window_starts(texts, length=3)

    assert list(starts) == [0, 1, 5]
    assert cut_windows(texts, starts, length=3).tolist() == [[0, 1, 2], [1, 2, 3], [0, 4, 5]]


@pytest.mark.parametrize("starts", [[0, 2], [1, 3], [0, 4, 3], []])
def test_starts_that_do_not_fit_the_tokens_are_an_error(starts):
    with pytest.raises(ValueError, match="starts"):
        TokenizedDocuments(tokens=np.arange(3), starts=np.array(starts, dtype=np.int64))


def test_a_book_of_canaries_repeats_by_seed_and_never_repeats_a_canary():
    recipe = CanaryRecipe(planted=20, repetitions=(1, 4), controls=50)

    one, again, other = make_book(recipe, seed=1), make_book(recipe, seed=1), make_book(recipe, seed=2)

    assert one == again
    assert one.planted != other.planted
    assert {count: len(group) for count, group in one.planted.items()} == {1: 20, 4: 20}
    everything = [each for group in (*one.by_repetitions.values(), one.controls) for each in group]
    assert len({each.prefix for each in everything}) == 90
    rivals = one.rivals(300)
    assert len(set(rivals)) == 300
    assert not set(rivals) & {each.secret for each in everything}
    assert all(len(each) == 9 and each.isdigit() for each in rivals)


def test_endings_are_ranked_as_reading_them_whole_would(learner):
    subject = learner.subject()
    begin, endings = np.array([5, 9, 7, 11]), np.array([[20, 21, 22], [23, 24, 0], [20, 20, 20]])

    together = subject.model.rank_endings(begin, endings, np.array([3, 2, 3]))

    for ending, size, value in zip(endings, (3, 2, 3), together, strict=True):
        row = np.concatenate([begin, ending[:size]])
        targets = np.concatenate([[IGNORED] * (len(begin) - 1), ending[:size]])
        alone = subject.model.log_likelihoods(row[None, :-1], targets[None, :]).sum()
        assert value == pytest.approx(alone, abs=1e-4)


def test_a_greedy_continuation_is_what_the_recitation_test_says_it_is(memoriser):
    from kifabrik.evaluation.extraction import longest_recited

    model = memoriser.subject().model
    windows = cut_windows(memoriser.train, window_starts(memoriser.train, length=24)[:40], length=24)

    said = longest_recited(model, windows, 12)

    for window, count in zip(windows, said, strict=True):
        tokens = [int(token) for token in window[:12]]
        for _ in range(12):
            logits = model.network(input_ids=model._tensor(np.array([tokens]))).logits
            tokens.append(int(logits[0, -1].argmax()))
        agreeing = next((at for at in range(12) if tokens[12 + at] != window[12 + at]), 12)
        assert count == agreeing
    assert lab.CONTEXT == 64
