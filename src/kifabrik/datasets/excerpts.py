"""Shows the words around places in the documents of shards, for a person who judges findings in context.

Shards come from strangers, and Parquet is read by compiled code. So they are read in a process of its own with little
memory and little time, started with `python -m kifabrik.datasets.excerpts`; it gets open files and answers in JSON.
Knows places, not what was found there.
"""

import json
import logging
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from kifabrik.core.errors import Unavailable

AROUND = 60
PLACES_MAX = 50
_MEMORY_BYTES = 4 * 1024**3  # of address space
_ENVIRONMENT = {  # each would reserve more of that than is used
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_CPU_SECONDS = 60
_WAIT_SECONDS = 120
_GROUP_BYTES_MAX = 512 * 1024**2
_ANSWER_BYTES_MAX = 1024**2
_WORDS_LOGGED = 500  # of what the process said last
log = logging.getLogger("kifabrik.datasets")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the source of a document, and character offsets in its text."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The words before, at and after a place."""

    before: str
    here: str
    after: str


def read_excerpts(shards: Sequence[Path], places: Sequence[Place]) -> dict[Place, Excerpt]:
    """Read the words around places, 60 letters on each side; a place that no shard holds is left out.

    Raises Unavailable when the shards cannot be read within the limits of time and memory.
    """
    if not places or not shards:
        return {}
    places = places[:PLACES_MAX]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in shards]
        answer = _ask(files, places)
    return {places[number]: Excerpt(*words) for number, words in answer}


def _ask(files: Sequence[BinaryIO], places: Sequence[Place]) -> list[tuple[int, list[str]]]:
    handles = [file.fileno() for file in files]
    request = json.dumps({"handles": handles, "places": [asdict(place) for place in places]})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kifabrik.datasets.excerpts"],
            input=request.encode(),
            pass_fds=handles,
            capture_output=True,
            timeout=_WAIT_SECONDS,
            check=True,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path), **_ENVIRONMENT},
        )
        rows: list[tuple[int, list[str]]] = json.loads(done.stdout[:_ANSWER_BYTES_MAX])
    except (subprocess.SubprocessError, ValueError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError | subprocess.TimeoutExpired) else b""
        last_words = (said or b"").decode("utf-8", "replace")[-_WORDS_LOGGED:]
        log.warning("shards could not be read for a person's judgement: %s %s", error, " ".join(last_words.split()))
        raise Unavailable(
            "the documents could not be read within the limits.",
            remedy="The shards may be damaged: check the dataset again and register the new version.",
            code="shards-unreadable",
        ) from error
    return rows


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _find_texts(handles: Sequence[int], wanted: set[str]) -> Iterator[tuple[str, str]]:
    """Give (source, text) of the wanted documents; groups whose statistics exclude them are not read."""
    import pyarrow.parquet as pq  # noqa: PLC0415  # only in the limited process, after the limits are set

    left = set(wanted)
    for handle in handles:
        if not left:
            return
        file = pq.ParquetFile(os.fdopen(handle, "rb"), thrift_string_size_limit=2**24)
        column = file.schema_arrow.get_field_index("source")
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            statistics = group.column(column).statistics
            known = statistics is not None and statistics.has_min_max
            if known and not any(statistics.min <= name <= statistics.max for name in left):
                continue
            if group.total_byte_size > _GROUP_BYTES_MAX:
                raise MemoryError("row group too large")
            sources = file.read_row_group(number, columns=["source"], use_threads=False).column("source").to_pylist()
            rows = [row for row, name in enumerate(sources) if name in left]
            if rows:
                texts = file.read_row_group(number, columns=["text"], use_threads=False).column("text")
                yield from ((sources[row], texts[row].as_py()) for row in rows)
                left -= {sources[row] for row in rows}


def _cut(text: str, place: Mapping[str, Any]) -> list[str] | None:
    start, end = int(place["start"]), int(place["end"])
    if not 0 <= start < end <= len(text) or end - start > 1_000:
        return None
    before = ("…" if start > AROUND else "") + text[max(0, start - AROUND) : start]
    after = text[end : end + AROUND] + ("…" if end + AROUND < len(text) else "")
    return [before, text[start:end], after]


def main() -> None:
    """Answer one request from standard input; the process ends with it."""
    request = json.loads(sys.stdin.buffer.read())
    _limit()
    places = request["places"]
    answer: list[tuple[int, list[str]]] = []
    for source, text in _find_texts(request["handles"], {place["document"] for place in places}):
        for number, place in enumerate(places):
            words = _cut(text, place) if place["document"] == source else None
            if words:
                answer.append((number, words))
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # what compiled libraries do at the end of a process is not worth an answer


if __name__ == "__main__":
    main()
