from collections import Counter

from kifabrik.workbench.planting import Planting

PLANTED = {1: ("alpha", "beta"), 16: ("gamma",)}
TEXTS = [f"first line {number}\nsecond line\n" for number in range(9)]


def plant(seed: int) -> list[str]:
    planting = Planting(PLANTED, documents=len(TEXTS), seed=seed)
    return [planting.plant(number, text) for number, text in enumerate(TEXTS)]


def test_every_canary_stands_as_often_as_its_count_on_a_line_of_its_own() -> None:
    lines = Counter(line for text in plant(3) for line in text.split("\n"))

    assert (lines["alpha"], lines["beta"], lines["gamma"]) == (1, 1, 16)
    assert lines["second line"] == 9


def test_the_places_depend_on_the_seed_alone() -> None:
    assert plant(3) == plant(3)
    assert plant(3) != plant(4)


def test_nothing_planted_leaves_the_text_alone() -> None:
    planting = Planting({}, documents=9, seed=3)

    assert [planting.plant(number, text) for number, text in enumerate(TEXTS)] == TEXTS
    assert planting.copies == 0
