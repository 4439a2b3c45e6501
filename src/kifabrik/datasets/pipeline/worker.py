"""What a worker does, and what its foreman gets ready before he forks any.

A worker knows its bench and its two pipes. It reads jobs from standard input, one a line, and answers on standard
output with lines of JSON: `read` while it works, `done` at the end, or the error. It ends when its input ends, even in
the middle of a job: then its keeper is gone.
"""

import gc
import os
import queue
import resource
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

import orjson
import pyarrow as pa

from kifabrik.core.errors import KifabrikError, Unavailable
from kifabrik.core.files import describe_disk_error
from kifabrik.core.imports import hiding
from kifabrik.datasets.pipeline.bench import PLAN, Bench
from kifabrik.datasets.pipeline.foreman import lead
from kifabrik.datasets.pipeline.instruments import get_ready
from kifabrik.datasets.settings import PartSettings, PlanRecord

MEMORY_BYTES_MAX = 1_500_000_000
MEMORY_BYTES_MAX_WITH_MODEL = 8_000_000_000


def work(place: Path) -> None:
    """Do jobs until the input ends."""
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(2, 1)  # whatever a library prints is no answer
        limit_memory(PlanRecord.read(place / PLAN).settings)
        jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
        bench: Bench | None = None

        def tell(**answer: object) -> None:
            answers.write(orjson.dumps(answer) + b"\n")

        while True:
            job = jobs.get()
            try:
                bench = bench or Bench(place)
                bench.do(job, lambda size: tell(read=size))
            except Exception as error:
                known = _explain(error, place)
                tell(
                    error=type(known).__name__,
                    message=known.message,
                    where=known.where,
                    remedy=known.remedy,
                    code=known.code,
                )
            else:
                tell(done=True)


def limit_memory(settings: PartSettings) -> None:
    """Let the kernel refuse this process more memory than a worker may have; a model for names needs its own room.

    pyarrow's usual allocator would reserve a gigabyte of that at once.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    limit = MEMORY_BYTES_MAX if settings.names in {"none", "cues"} else MEMORY_BYTES_MAX_WITH_MODEL
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def leave_pandas_out() -> None:
    """Let pyarrow find no pandas in this process: nothing here needs it, and to import it takes a third of a second.

    pyarrow looks for it once, when the first list becomes an array, and remembers what it found.
    """
    with hiding("pandas"):
        pa.array([""])


def _listen(jobs: "queue.SimpleQueue[bytes]") -> None:
    for line in sys.stdin.buffer:
        jobs.put(line.rstrip(b"\n"))
    os._exit(0)  # the keeper is gone: nobody wants the rest, and half a part is no part


def _explain(error: Exception, place: Path) -> KifabrikError:
    if isinstance(error, KifabrikError):
        return error
    if isinstance(error, MemoryError):
        limit = f"{resource.getrlimit(resource.RLIMIT_DATA)[0] / 1e9:.1f} GB"
        return Unavailable(f"needs more memory than the {limit} of a worker.", remedy="Take this file out, or cut it.")
    if isinstance(error, OSError):
        known = describe_disk_error(error, Path(str(error.filename or place)))
        if known is not None:
            return known
    words = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".")
    return KifabrikError(f"an unforeseen error ended the work: {words}.", remedy="Please report it.", code="unforeseen")


def main(handle: int) -> None:
    """Get ready and fork workers until the keeper hangs up."""
    with socket.socket(fileno=handle) as line:
        leave_pandas_out()
        with suppress(Exception):  # whoever needs what is missing meets the same error and tells it
            get_ready()
        gc.freeze()  # all that is loaded stays, and workers share its memory
        gc.enable()
        lead(line, work)
