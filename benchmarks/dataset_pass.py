"""Measures the whole check of a dataset: `python -m benchmarks.dataset_pass [--megabytes 200] [--workers 1 2]`.
`--texts FOLDER` adds files of a folder when this machine's own texts run out, for larger mixtures.

The mixture is seeded: code, notes and messages of programs in 24 languages with planted identifiers
(`corpus_development`), and where these run out code of other packages and messages in other languages, then the files
of the folder that was named, treated alike.
No text is there twice but for 3 % exact copies and 5 % copies with 2 % of their words changed; half is JSON Lines
and half Parquet. The figures are megabytes of text (UTF-8) a second and core, from the processor time of all processes,
because this machine is shared; the efficiency compares the wall times of one and several workers, so it needs free
cores.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks import corpus_base, corpus_development
from benchmarks.corpus_base import PACKAGES, Text

SEED = 20261124
_EXACT, _NEAR, _EDITED_WORDS = 0.03, 0.05, 0.02
_FILES = 4
_CODE = {".c", ".h", ".S", ".py", ".sh", ".pl", ".dts", ".dtsi"}
USED = frozenset({"torch", "transformers", "django", "numpy", "sympy"})  # by the development set


def make_mixture(folder: Path, size_bytes: int, texts_folder: Path | None = None) -> tuple[int, int]:
    """Write the mixture; returns documents and bytes of text."""
    rng = random.Random(SEED)
    texts = make_originals(int(size_bytes / (1 + _EXACT + _NEAR)), texts_folder)
    originals = len(texts)
    texts += [texts[rng.randrange(originals)] for _ in range(int(_EXACT * originals))]
    texts += [edit(texts[rng.randrange(originals)], rng) for _ in range(int(_NEAR * originals))]
    rng.shuffle(texts)
    folder.mkdir(parents=True)
    for number in range(_FILES):
        rows = texts[number::_FILES]
        if number % 2:
            table = pa.table(
                {"text": rows, "url": [f"https://site-{row % 997}.example/{row}" for row in range(len(rows))]}
            )
            pq.write_table(table, folder / f"{number}.parquet", compression="zstd", row_group_size=2_000)
        else:
            with (folder / f"{number}.jsonl").open("w") as stream:
                stream.writelines(json.dumps({"text": row}, ensure_ascii=False) + "\n" for row in rows)
    return len(texts), sum(len(text.encode()) for text in texts)


def make_originals(size_bytes: int, texts_folder: Path | None) -> list[str]:
    """Give different texts of so many bytes, in no order."""
    found: dict[str, Text] = {}
    left = size_bytes
    for text in chain(corpus_base.development(SEED, size_bytes), further_texts(), texts_of(texts_folder)):
        if left <= 0:
            break
        if text.text not in found:
            found[text.text] = text
            left -= len(text.text.encode())
    if left > 0:
        raise SystemExit(f"there are only {(size_bytes - left) / 1e6:.0f} MB of texts; ask for less, or name --texts.")
    texts = list(found.values())
    corpus_development.plant(SEED, texts)
    return [each.text for each in texts]


def further_texts() -> Iterator[Text]:
    """Give texts that the development set leaves aside: a file of code, then one of messages in another language."""
    packages = [path for path in PACKAGES.rglob("*.py") if path.relative_to(PACKAGES).parts[0] not in USED]
    messages = [path for path in Path("/usr/share").rglob("*.mo") if not set(path.parts) & set(corpus_base.LANGUAGES)]
    rng = random.Random(SEED)
    for paths in (packages, messages):
        paths.sort()
        rng.shuffle(paths)
    for pair in zip_longest(packages, messages):
        for path in filter(None, pair):
            for piece in corpus_base.cut(corpus_base.read(path)):
                yield Text(piece, "en", path.suffix == ".py")


def texts_of(folder: Path | None) -> Iterator[Text]:
    """Give the texts of a folder's files in no order."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder is not None else []
    random.Random(SEED).shuffle(paths)
    for path in paths:
        for piece in corpus_base.cut(corpus_base.read(path)):
            yield Text(piece, "en", path.suffix in _CODE)


def edit(text: str, rng: random.Random) -> str:
    """Change a share of the words, the blanks between them stay."""
    pieces = text.split(" ")
    return " ".join(
        f"word{rng.randrange(10_000)}" if piece and rng.random() < _EDITED_WORDS else piece for piece in pieces
    )


def measure(folder: Path, out: Path, workers: int, *options: str) -> tuple[float, float, float]:
    """Check the mixture in a process of its own; returns wall seconds, processor seconds and the peak of the largest
    process in MB."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "kifabrik", "dataset", "check", str(folder), "--out", str(out), "--json"]
    environment = {**os.environ, "KIFABRIK_DATA_KEY_FILE": str(out.parent / "data.key")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # people's Python keeps what it compiles
    subprocess.run(
        [*command, "--workers", str(workers), *options],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, after.ru_maxrss / 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--action", default="report")
    parser.add_argument("--keep", type=Path, help="folder for the mixture, made if it is not there")
    parser.add_argument("--texts", type=Path, help="folder of further texts for a mixture larger than this machine has")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = given.keep or Path(scratch) / "mixture"
        if not place.exists():
            documents, size = make_mixture(place, given.megabytes * 1000**2, given.texts)
            (place / ".size").write_text(f"{documents} {size}")
        documents, size = map(int, (place / ".size").read_text().split())
        print(f"{documents} documents, {size / 1e6:.0f} MB of text, action {given.action}")
        print("| workers | wall s | processor s | MB/s/core | largest process MB | efficiency |")
        print("|---|---|---|---|---|---|")
        first = 0.0
        for workers in given.workers:
            out = Path(scratch) / f"out-{workers}"
            wall, used, peak = measure(place, out, workers, "--action", given.action)
            first = first or wall * workers
            speed, share = size / 1e6 / used, first / (wall * workers)
            print(f"| {workers} | {wall:.1f} | {used:.1f} | {speed:.1f} | {peak:.0f} | {share:.2f} |", flush=True)
            if workers == given.workers[-1]:
                card = json.loads((out / "card.json").read_text())
                near = card["deduplication"]["removed_documents"]
                print(f"kept {card['documents_kept']}, exact copies {card['exact_duplicates_removed']}, near {near}")


if __name__ == "__main__":
    main()
