"""Near-duplicates: speed, recall on planted edits and verified precision, against datatrove and datasketch.

All tools get the same documents in the same run; seconds are CPU seconds of one process from texts in memory to the
list of removed documents, clustering and verification included. Two sets of real text from this machine that share no
file: `development`, and `held-out`, on which nothing was chosen. A planted copy counts as found if it is removed. A
removal is right if the removed and the kept document have a Jaccard similarity of 0.7 or more by a second, plain
definition in this file (sets of five words from a regular expression); for tools that say only which cluster, the most
similar document of the cluster that stays counts.
    python benchmarks/near_duplicates.py --peers PYTHON --size 70
"""

import argparse
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

SEED = 20261124
COPIES = 0.22  # of all documents, in five kinds
KINDS = ("exact", "2 %", "5 %", "10 %", "cut")
THRESHOLD = 0.7
WORD = re.compile(r"[^\W_]+")
FOOTER = "This copy was made for private use only. See the original for the full text."


def make_corpus(name: str, size_bytes: int) -> tuple[list[str], list[tuple[str, int, int]]]:
    """Give documents in random order, and for each planted copy its kind, place and the place of its original."""
    import corpus_base

    rng = random.Random(SEED)
    found = getattr(corpus_base, name.replace("-", "_"))(SEED, round(size_bytes * (1 - COPIES)))
    base = [text for text in dict.fromkeys(each.text for each in found) if len(WORD.findall(text)) >= 100]
    vocabulary = [word for text in base[:500] for word in WORD.findall(text)]
    documents: list[tuple[str, str, int]] = [(text, "", number) for number, text in enumerate(base)]
    originals = rng.sample(range(len(base)), min(len(base), round(len(base) * COPIES / (1 - COPIES))))
    for place, number in enumerate(originals):
        kind = KINDS[place % len(KINDS)]
        documents.append((change(base[number], kind, rng, vocabulary), kind, number))
    rng.shuffle(documents)
    first = {number: place for place, (_, kind, number) in enumerate(documents) if not kind}
    planted = [(kind, place, first[number]) for place, (_, kind, number) in enumerate(documents) if kind]
    return [text for text, _, _ in documents], planted


def change(text: str, kind: str, rng: random.Random, vocabulary: Sequence[str]) -> str:
    """Copy a text as it is, with a share of its words exchanged, or without its last tenth and with a footer."""
    if kind == "exact":
        return text
    if kind == "cut":
        return f"{text[: round(len(text) * 0.9)]}\n{FOOTER}\n"
    share = float(kind.split()[0]) / 100
    return WORD.sub(lambda word: rng.choice(vocabulary) if rng.random() < share else word.group(), text)


def run_kifabrik(texts: Sequence[str], bands: int, rows: int) -> dict:
    """Signatures, bands, clusters, verification; texts are fetched from memory."""
    from kifabrik.datasets.deduplication import Parameters, TextComparison, find_clusters, signatures

    parameters = Parameters(bands=bands, rows=rows, threshold=THRESHOLD)
    begin = time.process_time()
    signed = signatures(texts, parameters)
    middle = time.process_time()
    compare = TextComparison([signed], lambda asked: [texts[each] for each in asked], parameters)
    found = find_clusters(signed, compare=compare, parameters=parameters)
    end = time.process_time()
    return {
        "seconds": end - begin,
        "of which clustering and verification": end - middle,
        "candidate pairs": found.candidate_pairs,
        "compared pairs": found.compared_pairs,
        "removed": dict(zip(found.removed.tolist(), ([each] for each in found.kept.tolist()), strict=True)),
    }


def run_datatrove(texts: Sequence[str], bands: int, rows: int) -> dict:
    """The three stages of datatrove's MinHash with its own clustering, which verifies nothing."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )
    from loguru import logger

    logger.remove()
    config = MinhashConfig(num_buckets=bands, hashes_per_bucket=rows)
    documents = [Document(text=text, id=str(place)) for place, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        sign = MinhashDedupSignature(f"{folder}/signatures", config=config)
        sign.word_tokenizer.word_tokenize("load it before the clock starts")
        begin = time.process_time()
        sign.run(iter(documents))
        middle = time.process_time()
        for rank in range(bands):
            MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/pairs", config=config).run(None, rank, bands)
        MinhashDedupCluster(f"{folder}/pairs", f"{folder}/removed", config=config, save_cluster_id=True).run(None, 0, 1)
        end = time.process_time()
        removed = {each for (each,) in read_tuples(Path(folder, "removed"), "*.remove", "<I")}
        clusters = dict(read_tuples(Path(folder, "removed"), "*.clusters", "<2I"))
    return {
        "seconds": end - begin,
        "of which clustering": end - middle,
        "removed": by_cluster(removed, clusters),
    }


def read_tuples(folder: Path, pattern: str, form: str) -> Iterator[tuple]:
    for path in folder.rglob(pattern):
        yield from struct.iter_unpack(form, path.read_bytes())


def run_datasketch(texts: Sequence[str], bands: int, rows: int) -> dict:
    """MinHash and LSH of datasketch with connected components, as its examples show; nothing is verified."""
    from datasketch import MinHash, MinHashLSH

    begin = time.process_time()
    index = MinHashLSH(num_perm=bands * rows, params=(bands, rows))
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place, text in enumerate(texts):
        words = WORD.findall(text.lower())
        shingles = {" ".join(words[start : start + 5]).encode() for start in range(max(1, len(words) - 4))}
        signed = MinHash(num_perm=bands * rows)
        signed.update_batch(list(shingles))
        for other in index.query(signed):
            one, two = sorted((root(other), root(place)))
            parent[two] = one
        index.insert(place, signed)
    clusters = {place: root(place) for place in range(len(texts))}
    removed = {place for place, first in clusters.items() if place != first}
    return {"seconds": time.process_time() - begin, "removed": by_cluster(removed, clusters)}


def by_cluster(removed: set[int], clusters: dict[int, int]) -> dict[int, list[int]]:
    """Give for each removed document those of its cluster that stay."""
    staying: dict[int, list[int]] = {}
    for place, cluster in clusters.items():
        if place not in removed:
            staying.setdefault(cluster, []).append(place)
    return {place: staying.get(clusters[place], []) for place in removed}


RUNS: dict[str, Callable[[Sequence[str], int, int], dict]] = {
    "kifabrik": run_kifabrik,
    "datatrove": run_datatrove,
    "datasketch": run_datasketch,
}


def judge(name: str, result: dict, texts: Sequence[str], planted: Sequence[tuple[str, int, int]]) -> dict:
    """Turn what was removed into recall by kind and precision by the plain definition."""
    removed = {int(place): kept for place, kept in result.pop("removed").items()}
    size = sum(len(text.encode()) for text in texts)

    def shingles(place: int) -> set[tuple[str, ...]]:
        words = WORD.findall(texts[place].casefold())
        return {tuple(words[start : start + 5]) for start in range(max(1, len(words) - 4))}

    def is_right(place: int, kept: list[int]) -> bool:
        own = shingles(place)
        others = map(shingles, kept)
        return any(len(own & other) >= THRESHOLD * len(own | other) for other in others)

    right = sum(is_right(place, kept) for place, kept in removed.items())
    recall = {}
    for kind in KINDS:
        copies = [place in removed or original in removed for each, place, original in planted if each == kind]
        recall[kind] = round(sum(copies) / len(copies), 4)
    return {
        "tool": name,
        "MB/s": round(size / result["seconds"] / 1e6, 2),
        "documents/s": round(len(texts) / result["seconds"]),
        "recall": recall,
        "removed": len(removed),
        "precision": round(right / max(1, len(removed)), 4),
        **{key: round(value, 2) for key, value in result.items()},
    }


def ask_peer(python: str, tool: str, corpus: Path, bands: int, rows: int) -> dict:
    """Run a tool under another interpreter on the same documents."""
    command = [python, __file__, "--run", tool, "--corpus", str(corpus), "--bands", str(bands), "--rows", str(rows)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peers", help="an interpreter with datatrove and datasketch")
    arguments.add_argument("--size", type=float, default=70, help="MB of text in each set")
    arguments.add_argument("--sets", nargs="+", default=["development", "held-out"])
    arguments.add_argument("--repeat", type=int, default=3, help="runs of kifabrik; the fastest counts")
    arguments.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    arguments.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--bands", type=int, default=32, help=argparse.SUPPRESS)
    arguments.add_argument("--rows", type=int, default=4, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.run:
        print(json.dumps(RUNS[options.run](json.loads(options.corpus.read_text()), options.bands, options.rows)))
        return
    for name in options.sets:
        texts, planted = make_corpus(name, round(options.size * 1e6))
        size = sum(len(text.encode()) for text in texts) / 1e6
        print(json.dumps({"set": name, "documents": len(texts), "MB": round(size, 1), "planted": len(planted)}))
        for bands, rows in ((32, 4), (14, 8)):
            runs = [run_kifabrik(texts, bands, rows) for _ in range(options.repeat)]
            best = min(runs, key=lambda each: each["seconds"])
            print(json.dumps(judge(f"kifabrik {bands} x {rows}", best, texts, planted)), flush=True)
        if options.peers:
            with tempfile.TemporaryDirectory() as folder:
                corpus = Path(folder, "corpus.json")
                corpus.write_text(json.dumps(texts))
                for tool, bands, rows in (("datatrove", 14, 8), ("datatrove", 32, 4), ("datasketch", 14, 8)):
                    result = ask_peer(options.peers, tool, corpus, bands, rows)
                    print(json.dumps(judge(f"{tool} {bands} x {rows}", result, texts, planted)), flush=True)
                again = run_kifabrik(texts, 32, 4)
            print(json.dumps(judge("kifabrik 32 x 4, after the peers", again, texts, planted)), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(100_000)  # datatrove follows its chains by recursion
    main()
