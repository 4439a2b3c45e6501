"""Near-duplicates: what goes has a verified twin that stays, and no split of the work changes the result."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets.deduplication import (
    Collection,
    Parameters,
    Side,
    TextComparison,
    candidate_pairs,
    find_clusters,
    find_elsewhere,
    join_pairs,
    read_signatures,
    signatures,
    write_signatures,
)
from kifabrik.datasets.deduplication.banding import estimate_similarity, select_keys
from kifabrik.datasets.deduplication.shingles import find_sets, measure_jaccard
from kifabrik.datasets.words import split_words

PARAMETERS = Parameters()
EVERY_PAIR = Parameters(bands=128, rows=1, threshold=0.5)  # any two texts with one shingle in a hundred meet
WORDS = [f"word{number}" for number in range(2000)]


def write_text(seed: int, words: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def change_words(text: str, *places: int) -> str:
    words = text.split()
    for place in places:
        words[place] = f"changed{place}"
    return " ".join(words)


def find(texts: list[str], parameters: Parameters = PARAMETERS, parts: int = 1, **options):
    cuts = [round(len(texts) * number / parts) for number in range(parts + 1)]
    rows = [signatures(texts[a:b], parameters) for a, b in pairwise(cuts)]
    return find_clusters(rows, compare=by_texts(rows, texts, parameters), parameters=parameters, **options)


def by_texts(rows, texts: list[str], parameters: Parameters = PARAMETERS) -> TextComparison:
    return TextComparison(rows, lambda asked: [texts[i] for i in asked], parameters)


def shingles_of(text: str, length: int = 5) -> set[tuple[str, ...]]:
    """The definition, written down as simply as it can be for plain words."""
    words = text.lower().split()
    if 0 < len(words) < length:
        return {tuple(words)}
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def jaccard(left: str, right: str) -> float:
    a, b = shingles_of(left), shingles_of(right)
    return len(a & b) / len(a | b) if a | b else 0.0


def test_a_text_with_a_few_words_changed_goes_and_the_first_stays() -> None:
    first = write_text(1)
    found = find([write_text(2), first, write_text(3), change_words(first, 20, 150), change_words(first, 250)])
    assert found.representative.tolist() == [0, 1, 2, 1, 1]
    assert found.removed.tolist() == [3, 4]
    assert found.is_removed.tolist() == [False, False, False, True, True]
    assert found.clusters == 1


def test_texts_on_one_subject_stay() -> None:
    shared = write_text(1, 150)
    found = find([f"{shared} {write_text(2, 150)}", f"{shared} {write_text(3, 150)}"])
    assert found.removed.tolist() == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ο ΔΡΟΜΟΣ ΠΡΟΣ ΤΗΝ ΠΟΛΗ ΕΙΝΑΙ ΜΑΚΡΥΣ ΚΑΙ ΔΥΣΚΟΛΟΣ", "ο δρομος προς την πολη ειναι μακρυς και δυσκολος"),
        ("Пътят към града е дълъг и труден, но хубав", "ПЪТЯТ КЪМ ГРАДА — Е ДЪЛЪГ И ТРУДЕН… НО ХУБАВ"),
        ("Die Straße, «sehr lang», führt durchs Tal", "die STRASSE – sehr lang – führt durchs tal!"),
        ("Le marché de la ville était fermé", "Le marche\u0301 de la ville e\u0301tait ferme\u0301"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "„PŘÍLIŠ ŽLUŤOUČKÝ KŮŇ“ úpěl: ďábelské\u00a0ódy"),
        ("Ir-raġel mar il-ħanut biex jixtri l-ħobż", "IR RAĠEL MAR IL ħanut biex jixtri (l-ħobż)"),
    ],
)
def test_case_punctuation_and_composition_do_not_hide_a_duplicate(one: str, other: str) -> None:
    assert find([one, other]).removed.tolist() == [1]


def test_letters_with_other_accents_are_other_words() -> None:
    assert find(["ko nej pada dež na goro", "ko nej pada dez na goro"]).removed.tolist() == []


def test_texts_shorter_than_a_shingle_are_compared_whole() -> None:
    assert find(["Guten Tag!", "guten tag", "Guten Abend", "Tag"]).removed.tolist() == [1]


def test_the_same_words_in_another_order_are_no_duplicate() -> None:
    assert find(["one two three", "three two one", "one two"]).removed.tolist() == []


def test_texts_without_a_word_resemble_nothing() -> None:
    assert find(["", "!!! ???", "— … —", ""]).removed.tolist() == []


def test_of_a_chain_the_ends_stay_if_they_do_not_resemble_each_other() -> None:
    a = write_text(1)
    b = change_words(a, 50, 70, 90, 110, 130)
    c = change_words(b, 160, 180, 200, 220, 240, 260)
    assert jaccard(a, b) >= 0.7
    assert jaccard(b, c) >= 0.7
    assert jaccard(a, c) < 0.7
    assert find([a, b, c]).representative.tolist() == [0, 0, 2]
    assert find([b, a, c]).representative.tolist() == [0, 0, 0], "the middle first: both resemble it"


def test_what_goes_resembles_what_stays_by_the_plain_definition() -> None:
    base = [write_text(seed, 120) for seed in range(20)]
    draw = random.Random(7)
    texts = [change_words(draw.choice(base), *draw.sample(range(120), draw.randint(0, 12))) for _ in range(150)]
    found = find(texts)
    assert len(found.removed) > 30
    for gone, kept in zip(found.removed, found.kept, strict=True):
        assert jaccard(texts[gone], texts[kept]) >= PARAMETERS.threshold
        assert kept < gone


def test_two_words_changed_in_a_hundred_are_found() -> None:
    draw = random.Random(11)
    base = [write_text(seed, 350) for seed in range(100, 200)]
    changed = [
        change_words(text, *(place for place, _ in enumerate(text.split()) if draw.random() < 0.02)) for text in base
    ]
    assert len(find(base + changed).removed) >= 95


short_texts = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=14).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(short_texts, min_size=2, max_size=12))
def test_similarity_is_that_of_the_plain_definition(texts: list[str]) -> None:
    sets = find_sets(texts, 5)
    left, right = np.triu_indices(len(texts), 1)
    expected = [jaccard(texts[i], texts[j]) for i, j in zip(left, right, strict=True)]
    assert measure_jaccard(sets, left, right).tolist() == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(short_texts, max_size=25))
def test_the_rounds_decide_as_one_after_the_other_would(texts: list[str]) -> None:
    found = find(texts, EVERY_PAIR)
    pairs = set(
        map(tuple, candidate_pairs(Collection([signatures(texts, EVERY_PAIR)], EVERY_PAIR), EVERY_PAIR).tolist())
    )
    for i, one in enumerate(texts):
        for j in range(i + 1, len(texts)):
            if jaccard(one, texts[j]) >= 0.75:  # nearer to the threshold, signatures of short texts may miss a pair
                assert (i, j) in pairs
    kept: list[int] = []
    for number, text in enumerate(texts):
        twins = [k for k in kept if (k, number) in pairs and jaccard(texts[k], text) >= EVERY_PAIR.threshold]
        assert found.representative[number] == (twins[0] if twins else number)
        if not twins:
            kept.append(number)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(short_texts, max_size=20), parts=st.integers(1, 7))
def test_no_split_into_parts_changes_the_result(texts: list[str], parts: int) -> None:
    whole, split = find(texts, EVERY_PAIR), find(texts, EVERY_PAIR, parts=parts)
    assert split.representative.tolist() == whole.representative.tolist()
    assert split.candidate_pairs == whole.candidate_pairs


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(short_texts, max_size=20), border=st.integers(1, 127))
def test_bands_may_be_looked_at_in_several_places(texts: list[str], border: int) -> None:
    collection = Collection([signatures(texts, EVERY_PAIR)], EVERY_PAIR)
    looks = [candidate_pairs(collection, EVERY_PAIR, bands=each) for each in (range(border), range(border, 128))]
    assert join_pairs(looks).tolist() == candidate_pairs(collection, EVERY_PAIR).tolist()


def test_candidates_agree_in_as_many_places_as_the_threshold_asks_and_no_other_pair_of_a_band_does() -> None:
    """What one byte of each place lets through is looked at whole: three signatures that differ in other bytes only."""
    rows = np.tile(np.arange(1, 129, dtype=np.uint32), (3, 1))
    rows[1, 4:] += 256  # the last bytes are equal, the numbers are not
    rows[2, 124:] += 1
    found = candidate_pairs(Collection([rows], PARAMETERS), PARAMETERS).tolist()
    assert found == [[0, 2]]
    assert estimate_similarity(rows[:1], rows[1:2]) < PARAMETERS.estimate_min


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_parts_decides_which_twin_stays_and_nothing_else(seed: int) -> None:
    draw = random.Random(seed)
    groups = [[change_words(write_text(number), 7 * copy) for copy in range(3)] for number in range(4)]
    texts = [(number, text) for number, group in enumerate(groups) for text in group]
    draw.shuffle(texts)
    found = find([text for _, text in texts], parts=3)
    names = [number for number, _ in texts]
    assert [names[place] for place in found.representative] == names
    assert found.clusters == 4
    assert all(place == names.index(names[place]) for place in found.representative)


def test_documents_to_skip_keep_their_numbers_and_meet_nobody() -> None:
    first = write_text(1)
    texts = [first, change_words(first, 20), write_text(2), change_words(first, 150)]
    assert find(texts, skip=np.array([True, False, False, False]), parts=2).representative.tolist() == [0, 1, 2, 1]
    assert find(texts, skip=np.array([True, True, False, False])).removed.tolist() == []
    with pytest.raises(InvalidInput, match="2 marks came for 4 documents"):
        find(texts, skip=np.array([True, False]))


def test_little_memory_and_a_file_of_keys_change_nothing(tmp_path: Path) -> None:
    texts = [change_words(write_text(number % 40), number) for number in range(120)]
    assert (
        find(texts, memory_bytes=1000, scratch=tmp_path).representative.tolist() == find(texts).representative.tolist()
    )
    assert list(tmp_path.iterdir()) == [], "the file of keys is gone"


@given(keys=st.lists(st.integers(1, 40) | st.integers(2**64 - 9, 2**64 - 1) | st.integers(1, 2**64 - 1), max_size=60))
def test_keys_are_ordered_and_equal_ones_keep_their_order(keys: list[int]) -> None:
    chosen, documents = select_keys(np.array(keys, dtype=np.uint64), 0, 1)
    expected = sorted(range(len(keys)), key=lambda place: keys[place])
    assert documents.tolist() == expected
    assert chosen.tolist() == [keys[place] for place in expected]


def test_a_crowd_of_equal_texts_costs_one_comparison_each() -> None:
    asked: list[int] = []
    texts = [f"{write_text(1)} {write_text(number, 5)}" for number in range(400)]

    def fetch(documents):
        asked.extend(documents)
        return [texts[i] for i in documents]

    rows = signatures(texts, PARAMETERS)
    found = find_clusters(rows, compare=TextComparison([rows], fetch, PARAMETERS), parameters=PARAMETERS)
    assert len(found.removed) == 399
    assert found.compared_pairs == 399
    assert set(found.kept.tolist()) == {0}
    assert len(asked) <= 402


def test_a_row_does_not_depend_on_its_batch() -> None:
    texts = ["", "one", write_text(1), "Ελληνικά και български", write_text(2, 3000), "x" * 700_000, "two words"]
    together = signatures(texts, PARAMETERS)
    alone = np.concatenate([signatures([text], PARAMETERS) for text in texts])
    assert np.array_equal(together, alone)
    assert np.array_equal(signatures(split_words(texts), PARAMETERS), alone)


def test_signatures_estimate_similarity() -> None:
    base = write_text(1, 1000)
    other = change_words(base, *range(0, 1000, 40))
    left, right = signatures([base, other], PARAMETERS)
    assert (left == right).mean() == pytest.approx(jaccard(base, other), abs=0.15)


def test_signatures_are_those_that_rensa_gives() -> None:
    """Files written with rensa 0.5 stay comparable; the short text leaves buckets empty, the long one none."""
    rows = signatures(["the cat sat on the mat", " ".join(f"word{i}" for i in range(1000)), ""], Parameters(seed=17))
    assert rows[:2, :3].tolist() == [[3411539396, 3501016191, 3808255034], [208514825, 117652614, 47032588]]
    assert (rows[2] == 0xFFFFFFFF).all()


def test_signature_files_are_mapped_and_give_the_same_clusters(tmp_path: Path) -> None:
    texts = [change_words(write_text(number % 10), number) for number in range(30)]
    for part in range(3):
        rows = signatures(texts[part * 10 : part * 10 + 10], PARAMETERS)
        write_signatures(tmp_path / f"{part}.signatures", rows, PARAMETERS)
    mapped = [read_signatures(tmp_path / f"{part}.signatures", PARAMETERS) for part in range(3)]
    assert isinstance(mapped[0], np.memmap)
    found = find_clusters(mapped, compare=by_texts(mapped, texts), parameters=PARAMETERS)
    assert found.representative.tolist() == [number % 10 for number in range(30)]


def test_an_empty_part_has_an_empty_file(tmp_path: Path) -> None:
    write_signatures(tmp_path / "empty", signatures([], PARAMETERS), PARAMETERS)
    assert read_signatures(tmp_path / "empty", PARAMETERS).shape == (0, 128)
    assert find([]).representative.tolist() == []


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "part"
    write_signatures(path, signatures(["one two", "three"], PARAMETERS), PARAMETERS)
    path.write_bytes(path.read_bytes()[:-68])
    with pytest.raises(InvalidInput, match="part: is cut short"):
        read_signatures(path, PARAMETERS)


def test_files_of_other_parameters_are_refused(tmp_path: Path) -> None:
    write_signatures(tmp_path / "part", signatures(["one"], PARAMETERS), PARAMETERS)
    with pytest.raises(InvalidInput, match="seed 17, but 18 is wanted"):
        read_signatures(tmp_path / "part", Parameters(seed=18))
    with pytest.raises(NotFound):
        read_signatures(tmp_path / "nowhere", PARAMETERS)
    (tmp_path / "other").write_bytes(b"something else")
    with pytest.raises(InvalidInput, match="no signature file"):
        read_signatures(tmp_path / "other", PARAMETERS)
    with pytest.raises(InvalidInput, match="64 permutations"):
        by_texts([signatures(["one"], Parameters(permutations=64, bands=16))], ["one"])


def as_side(texts: list[str], parts: int = 1, parameters: Parameters = PARAMETERS, **options) -> Side:
    cuts = [round(len(texts) * number / parts) for number in range(parts + 1)]
    rows = [signatures(texts[a:b], parameters) for a, b in pairwise(cuts)]
    return Side(rows, lambda asked: [texts[number] for number in asked], **options)


def test_documents_that_another_dataset_holds_too_are_verified_on_the_texts() -> None:
    own = [write_text(1), write_text(2), "", change_words(write_text(3), 30, 60)]
    other = [write_text(9), write_text(3), write_text(1), ""]
    found = find_elsewhere(as_side(own, parts=2), as_side(other), parameters=PARAMETERS)
    assert found.tolist() == [True, False, False, True]
    again = find_elsewhere(as_side(own), as_side(other, parts=3), parameters=PARAMETERS, memory_bytes=400)
    assert again.tolist() == found.tolist()


def test_what_is_skipped_is_not_looked_for_elsewhere() -> None:
    own, other = [write_text(1), write_text(2)], [write_text(2), write_text(1)]
    skip = np.array([True, False])
    assert find_elsewhere(as_side(own, skip=skip), as_side(other), parameters=PARAMETERS).tolist() == [False, True]
    assert find_elsewhere(as_side(own), as_side(other, skip=skip), parameters=PARAMETERS).tolist() == [True, False]


def test_a_document_is_found_elsewhere_if_and_only_if_a_true_pair_reaches_the_threshold() -> None:
    own = [write_text(number, words=60) for number in range(40)]
    other = [change_words(text, *range(0, 3 * (number % 8), 3)) for number, text in enumerate(own)]
    parameters = Parameters(bands=128, rows=1, threshold=0.55)
    found = find_elsewhere(
        as_side(own, parameters=parameters), as_side(other, parameters=parameters), parameters=parameters
    )
    true = [max(jaccard(mine, theirs) for theirs in other) >= 0.55 for mine in own]
    assert found.tolist() == true
    assert 0 < sum(true) < len(true)


def test_many_alike_documents_elsewhere_are_compared_in_small_batches() -> None:
    own = [change_words(write_text(1), number) for number in range(50)]
    other = [change_words(write_text(1), 200 + number) for number in range(90)]
    asked: list[int] = []

    def fetch(numbers):
        asked.append(len(numbers))
        return [other[number] for number in numbers]

    theirs = Side([signatures(other, PARAMETERS)], fetch)
    assert find_elsewhere(as_side(own), theirs, parameters=PARAMETERS).all()
    assert sum(asked) <= len(own)


@pytest.mark.parametrize(
    "wrong",
    [{"bands": 33}, {"threshold": 0.0}, {"threshold": 1.1}, {"shingle_words": 0}, {"rows": 0}],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(InvalidInput):
        Parameters(**wrong)
