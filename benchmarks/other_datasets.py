"""Documents that another dataset holds too: speed, recall on planted edits, and how many finds are right.

The other dataset is real text of this machine; the new one holds copies of a part of it, edited as in
`near_duplicates.py`, and as many documents of another set that shares no file with it. Seconds are CPU seconds of one
process from texts in memory to the list, signatures of both datasets included. A find is right if its
original has a Jaccard similarity of 0.7 or more to it by a plain definition (sets of five words).
    python benchmarks/other_datasets.py --size 40
"""

import argparse
import itertools
import random
import time
from collections import Counter

from near_duplicates import KINDS, SEED, THRESHOLD, WORD, change

from kifabrik.datasets.deduplication import Parameters, Side, find_elsewhere, signatures


def make_datasets(size_bytes: int) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Give the texts of the other dataset, and of the new one each text with its kind and its original."""
    import corpus_base

    def read(name: str, size: int) -> list[str]:
        found = getattr(corpus_base, name)(SEED, size)
        return [text for text in dict.fromkeys(each.text for each in found) if len(WORD.findall(text)) >= 100]

    rng = random.Random(SEED)
    other = read("development", size_bytes)
    vocabulary = [word for text in other[:500] for word in WORD.findall(text)]
    chosen = rng.sample(other, len(other) // 2)
    copies = [
        (change(text, kind, rng, vocabulary), kind, text)
        for text, kind in zip(chosen, itertools.cycle(KINDS), strict=False)
    ]
    strangers = [(text, "", "") for text in read("held_out", size_bytes // 2)]
    own = [*copies, *strangers]
    rng.shuffle(own)
    return other, own


def measure_plainly(left: str, right: str) -> float:
    """Jaccard similarity as simply as it can be written."""

    def shingles(text: str) -> set[tuple[str, ...]]:
        words = WORD.findall(text.casefold())
        return {tuple(words[start : start + 5]) for start in range(max(1, len(words) - 4))}

    one, two = shingles(left), shingles(right)
    return len(one & two) / len(one | two)


def main() -> None:
    """Measure once and print a line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=40, help="MB of the other dataset")
    other, own = make_datasets(parser.parse_args().size * 1000**2)
    texts = [text for text, _, _ in own]
    parameters = Parameters()
    size = sum(len(text.encode()) for text in [*texts, *other])
    signatures(texts[:50], parameters)  # compiled loops are read from their cache once
    begin = time.process_time()
    mine = Side([signatures(texts, parameters)], lambda asked: [texts[number] for number in asked])
    theirs = Side([signatures(other, parameters)], lambda asked: [other[number] for number in asked])
    found = find_elsewhere(mine, theirs, parameters=parameters)
    seconds = time.process_time() - begin
    print(f"{size / 1e6:.1f} MB in {len(texts)} and {len(other)} documents: {size / 1e6 / seconds:.1f} MB/s")
    planted, seen = Counter(kind for _, kind, _ in own), Counter()
    wrong = 0
    for (text, kind, original), is_found in zip(own, found, strict=True):
        seen[kind] += bool(is_found)
        if is_found and kind:
            wrong += measure_plainly(text, original) < THRESHOLD
    print({kind: f"{seen[kind] / planted[kind]:.3f} of {planted[kind]}" for kind in KINDS})
    print(f"found of strangers: {seen['']} of {planted['']}; copies found whose original is less similar: {wrong}")


if __name__ == "__main__":
    main()
