"""MB a second of each look at a text that needs no other tool: words, signatures, quality, contamination, language.

CPU seconds of one process, the fastest of several rounds; prose and code of the two sets as they come.
    python benchmarks/text_passes.py --size 20
"""

import argparse
import json
import time
from collections.abc import Callable

import corpus_base

from kifabrik.datasets.decontamination import EvaluationIndex
from kifabrik.datasets.deduplication import Parameters, signatures
from kifabrik.datasets.language import identify_many
from kifabrik.datasets.quality import doubts_many
from kifabrik.datasets.words import cut_blocks, split_words

SEED = 20261124
EVALUATION_TEXTS = 500


def measure(texts: list[corpus_base.Text], rounds: int) -> dict[str, float]:
    """Give MB a second for each look, over all texts; the last documents are the evaluation set."""
    strings, is_code = [each.text for each in texts], [each.is_code for each in texts]
    prose = [each.text for each in texts if not each.is_code]
    languages = [each.language for each in texts]
    index = EvaluationIndex.from_texts({"evaluation": strings[-EVALUATION_TEXTS:]})
    looks: dict[str, tuple[list[str], Callable[[], object]]] = {
        "words and their hashes": (strings, lambda: [split_words(block).hashes for block in cut_blocks(strings)]),
        "signatures": (strings, lambda: signatures(strings, Parameters())),
        "quality": (strings, lambda: doubts_many(strings, is_code, languages)),
        "contamination": (strings, lambda: [index.touches(block) for block in cut_blocks(strings)]),
        "language of prose": (prose, lambda: identify_many(prose, [False] * len(prose))),
    }
    speeds = {}
    for name, (read, look) in looks.items():
        look()
        seconds = []
        for _ in range(rounds):
            begin = time.process_time()
            look()
            seconds.append(time.process_time() - begin)
        speeds[name] = round(sum(len(text.encode()) for text in read) / min(seconds) / 1e6, 1)
    return speeds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=float, default=20, help="MB of text in each set")
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    for name in ("development", "held_out"):
        texts = getattr(corpus_base, name)(SEED, round(options.size * 1e6))
        size = sum(len(each.text.encode()) for each in texts) / 1e6
        print(json.dumps({"set": name, "MB": round(size, 1), "MB/s": measure(texts, options.rounds)}))


if __name__ == "__main__":
    main()
