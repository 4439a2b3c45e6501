"""Reading: MB of text a second from each format, against pyarrow, orjson and json alone and against datatrove.

All read the same documents from the same files in the same run. Seconds are CPU seconds, those of the limited process
included; the best of several runs, with everything in the page cache. `wall` is what a person waits. The lines in
brackets do less than a reader: they give texts, but no place, no limits and no record of what was skipped.
    python benchmarks/reading.py --peers PYTHON --size 150
"""

import argparse
import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq
import zstandard

from kifabrik.datasets.documents import STANDARD_LIMITS, SourceFile
from kifabrik.datasets.formats import FORMATS, find_suffix
from kifabrik.datasets.readers import read_passages

SEED = 20261124
RUNS = 3
PEER = """
import csv, logging, sys, time
logging.disable(logging.CRITICAL)
from loguru import logger
logger.remove()
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.readers.csv import CsvReader
csv.field_size_limit(2**30)
folder, name, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
kind = {"jsonl": JsonlReader, "parquet": ParquetReader, "csv": CsvReader}[name.split(".")[1]]
options = {"compression": "gzip"} if name.endswith("gz") else {"compression": "zstd"} if name.endswith("zst") else {}
best = wall = 1e9
for _ in range(runs):
    cpu, clock, characters = time.process_time(), time.perf_counter(), 0
    for document in kind(folder, glob_pattern=name, **options).run():
        characters += len(document.text)
    best, wall = min(best, time.process_time() - cpu), min(wall, time.perf_counter() - clock)
print(best, wall, characters)
"""


@dataclass
class Timing:
    """CPU seconds and seconds of the clock, the best of some runs, and the characters that were read."""

    cpu: float
    wall: float
    characters: int


def make_texts(size_bytes: int) -> list[str]:
    """Give real text from this machine, some 3 kB each."""
    import corpus_base

    return [each.text for each in corpus_base.development(SEED, size_bytes)]


def write_files(folder: Path, texts: list[str]) -> list[Path]:
    """Write the texts in every format of many records."""
    lines = b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts)
    (folder / "a.jsonl").write_bytes(lines)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines, 6))
    (folder / "a.jsonl.zst").write_bytes(zstandard.ZstdCompressor(level=3).compress(lines))
    (folder / "a.json").write_bytes(orjson.dumps([{"text": text} for text in texts]))
    pq.write_table(pa.table({"text": texts}), folder / "a.parquet", compression="zstd", row_group_size=5000)
    pages = {"id": [str(number) for number in range(len(texts))], "url": ["https://example.org/a"] * len(texts)}
    pq.write_table(pa.table({"text": texts, **pages}), folder / "b.parquet", compression="zstd", row_group_size=5000)
    with (folder / "a.csv").open("w", newline="") as stream:
        stream.write("text\r\n")
        stream.writelines('"' + text.replace('"', '""') + '"\r\n' for text in texts)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", lines)
    with tarfile.open(folder / "a.tar.gz", "w:gz", compresslevel=6) as archive:
        for number, text in enumerate(texts):
            data = text.encode()
            info = tarfile.TarInfo(f"{number % 100}/{number}.txt")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data)) if number < 20_000 else None
    return sorted(folder.iterdir())


def processor_seconds() -> float:
    """CPU seconds of this process and its living children."""
    children = psutil.Process().children()
    return time.process_time() + sum(sum(child.cpu_times()[:2]) for child in children)


def measure(read: Callable[[], Iterable[str]], runs: int) -> Timing:
    """Run a reader some times and keep the best."""
    best = Timing(1e9, 1e9, 0)
    for _ in range(runs):
        cpu, clock = processor_seconds(), time.perf_counter()
        characters = sum(map(len, read()))
        best.cpu = min(best.cpu, processor_seconds() - cpu)
        best.wall, best.characters = min(best.wall, time.perf_counter() - clock), characters
    return best


def ours(path: Path) -> Callable[[], Iterable[str]]:
    file = SourceFile(path, path.name, path.stat().st_size, FORMATS[find_suffix(path.name)])
    return lambda: (passage.text for passage in read_passages(file, limits=STANDARD_LIMITS))


def bare_lines(path: Path, loads: Callable[[bytes], dict[str, str]]) -> Callable[[], Iterable[str]]:
    def read() -> Iterable[str]:
        with path.open("rb") as stream:
            yield from (loads(line)["text"] for line in stream)

    return read


def bare_parquet(path: Path) -> Callable[[], Iterable[str]]:
    def read() -> Iterable[str]:
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["text"], use_threads=False):
            yield from batch.column(0).to_pylist()

    return read


def arrow_json(path: Path) -> Callable[[], Iterable[str]]:
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=4 * 1024**2)
    return lambda: pyarrow.json.read_json(path, read_options=options).column("text").to_pylist()


def peer(python: str, path: Path, runs: int) -> Timing:
    command = [python, "-c", PEER, str(path.parent), path.name, str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cpu, wall, characters = done.stdout.split()[-3:]
    return Timing(float(cpu), float(wall), int(characters))


def show(name: str, timing: Timing, size_bytes: int, characters: int) -> None:
    share = timing.characters / characters
    megabytes = size_bytes * share / 1e6
    print(f"{name:42s} {megabytes / timing.cpu:8.0f} MB/s  wall {megabytes / timing.wall:6.0f} MB/s  read {share:.3f}")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--peers", help="an interpreter with datatrove")
    options.add_argument("--size", type=int, default=150, help="MB of text")
    options.add_argument("--runs", type=int, default=RUNS)
    chosen = options.parse_args()
    texts = make_texts(chosen.size * 10**6)
    size_bytes, characters = sum(len(text.encode()) for text in texts), sum(map(len, texts))
    print(f"{len(texts)} documents, {size_bytes / 1e6:.0f} MB of text; MB/s of text per CPU second")
    with tempfile.TemporaryDirectory() as place:
        paths = write_files(Path(place), texts)
        for path in paths:
            ours_first = measure(ours(path), chosen.runs)
            show(f"Kifabrik {path.name}", ours_first, size_bytes, characters)
            if chosen.peers and path.name.startswith("a.") and path.name.split(".")[1] in ("jsonl", "parquet", "csv"):
                show(f"datatrove {path.name}", peer(chosen.peers, path, chosen.runs), size_bytes, characters)
        lines, table = Path(place) / "a.jsonl", Path(place) / "a.parquet"
        bare = {
            "[orjson and readline] a.jsonl": bare_lines(lines, orjson.loads),
            "[json and readline] a.jsonl": bare_lines(lines, json.loads),
            "[pyarrow.json, whole file] a.jsonl": arrow_json(lines),
            "[pyarrow.parquet] a.parquet": bare_parquet(table),
        }
        for name, read in bare.items():
            show(name, measure(read, chosen.runs), size_bytes, characters)


if __name__ == "__main__":
    sys.exit(main())
