"""Does jobs in this process or in several worker processes, and goes on when one of them dies. Knows no job.

Workers are processes of their own (`worker.py`), forked by a foreman: each gets one job at a time on its standard input
and answers with lines of JSON. A worker whose keeper is gone ends by itself, so a killed check leaves nobody behind.
"""

import os
import selectors
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from kifabrik.core import errors
from kifabrik.core.errors import KifabrikError, Unavailable
from kifabrik.datasets.pipeline.foreman import Foreman

_MODULE = "kifabrik.datasets.pipeline.worker"
_TRIES_MAX = 2
_READ_BYTES = 65_536
_MANY_BYTES, _MANY_FILES = 32 * 1000**2, 4_000
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "ARROW_IO_THREADS"), "1"
)


@dataclass(frozen=True, slots=True)
class Job:
    """A line for a worker; `size` is its amount of work, `name` what a person would call it."""

    line: bytes
    size: int
    name: str


Report = Callable[[int], None]  # receives how much of the work of all jobs is done
Do = Callable[[bytes, Report], None]


def count_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def do_here(jobs: Sequence[Job], do: Do, report: Report) -> None:
    """Do all jobs one after the other in this process."""
    before = 0
    for job in jobs:
        done = before
        do(job.line, lambda size, done=done: report(done + size))  # type: ignore[misc]  # mypy sees no default
        before += job.size
        report(before)


@dataclass(slots=True)
class _Worker:
    foreman: Foreman
    number: int
    jobs: int  # the pipes to and from it
    answers: int
    job: Job | None = None
    done: int = 0
    waiting: bytes = b""
    died_of: int | None = None  # how its predecessor ended

    def send(self, job: Job) -> None:
        self.job, self.done = job, 0
        with suppress(BrokenPipeError):  # its end is noticed where its answers are read
            os.write(self.jobs, job.line.rstrip(b"\n") + b"\n")

    def listen(self) -> list[dict[str, object]] | None:
        """Give the answers that came, or None if the worker is gone."""
        data = os.read(self.answers, _READ_BYTES)
        if not data:
            return None
        *lines, self.waiting = (self.waiting + data).split(b"\n")
        return [orjson.loads(line) for line in lines]

    def close(self) -> None:
        """Close the pipes to it; it ends by itself if it has not yet."""
        os.close(self.jobs)
        while os.read(self.answers, _READ_BYTES):
            pass  # its last words; the pipe ends with the process
        os.close(self.answers)


@dataclass(slots=True)
class Crew:
    """Worker processes for one check; started once, used for all its jobs."""

    place: Path
    count: int
    workers: list[_Worker] = field(default_factory=list)
    foreman: Foreman = field(init=False)

    def start(self) -> None:
        """Start the workers; they get ready while the plan is still made."""
        self.foreman = _standing.pop() if _standing else _start_foreman()
        self.workers = [self._hire() for _ in range(self.count)]

    def do(self, jobs: Sequence[Job], report: Report) -> None:
        """Do all jobs; raises what a worker raised, or Unavailable if a job killed two workers."""
        shift = _Shift(deque(sorted(jobs, key=lambda job: -job.size)))  # large ones first: none is left for the end
        with selectors.DefaultSelector() as selector:
            for worker in self.workers:
                selector.register(worker.answers, selectors.EVENT_READ, worker)
                shift.give(worker)
            while any(worker.job for worker in self.workers):
                for key, _ in selector.select():
                    worker = key.data
                    answers = worker.listen()
                    if answers is None:
                        selector.unregister(key.fd)
                        worker = self._replace(worker)
                        selector.register(worker.answers, selectors.EVENT_READ, worker)
                        shift.try_again(worker)
                    for answer in answers or ():
                        shift.take(worker, answer)
                report(shift.finished + sum(worker.done for worker in self.workers))

    def _replace(self, worker: _Worker) -> _Worker:
        """Put a new worker in the place of one that died, with its job."""
        code = worker.foreman.ask(worker.number)
        worker.close()
        fresh = self._hire()
        fresh.job, fresh.died_of = worker.job, code
        self.workers[self.workers.index(worker)] = fresh
        return fresh

    def _hire(self) -> _Worker:
        try:
            return _Worker(self.foreman, *self.foreman.hire(self.place))
        except OSError:  # the foreman is gone; its workers go on
            self.foreman.end()
            self.foreman = _start_foreman()
            return _Worker(self.foreman, *self.foreman.hire(self.place))

    def end(self) -> None:
        """End all workers at once; what they had not finished is made again another time."""
        self.foreman.end()
        for worker in self.workers:
            worker.close()
        self.workers = []


_standing: list[Foreman] = []


def stand_by(paths: Sequence[Path], count: int | None) -> None:
    """Start the foreman now if the texts are worth several workers, so that he is ready when they have been planned.

    For programs that have much to import before they begin. One that is not needed ends with this process.
    """
    if not _standing and (count or count_cores()) > 1 and _are_many(paths):
        _standing.append(_start_foreman())


def _are_many(paths: Sequence[Path]) -> bool:
    """Say whether the files are large or many, without looking at more of them than that takes."""
    size_bytes = files = 0
    for path in paths:
        for folder, _, names in os.walk(path) if path.is_dir() else [(str(path.parent), [], [path.name])]:
            for name in names:
                with suppress(OSError):
                    size_bytes += (Path(folder) / name).lstat().st_size
                files += 1
                if size_bytes > _MANY_BYTES or files > _MANY_FILES:
                    return True
    return False


def _start_foreman() -> Foreman:
    # Arrow's own allocators reserve a GB that counts against the limit of a worker, though nobody uses it.
    return Foreman.start(_MODULE, {**os.environ, **_ONE_THREAD, "ARROW_DEFAULT_MEMORY_POOL": "system"})


@dataclass(slots=True)
class _Shift:
    """The jobs of one call: what waits, what is done, and what was tried before."""

    waiting: deque[Job]
    finished: int = 0
    tries: dict[bytes, int] = field(default_factory=dict)

    def give(self, worker: _Worker) -> None:
        """Give a worker its next job, if there is one."""
        if self.waiting:
            worker.send(self.waiting.popleft())

    def try_again(self, worker: _Worker) -> None:
        """Give the successor of a dead worker the same job, once."""
        job = worker.job
        if job is None:
            return
        self.tries[job.line] = self.tries.get(job.line, 1) + 1
        if self.tries[job.line] > _TRIES_MAX:
            raise Unavailable(
                f"the process that worked on it ended twice ({_describe_end(worker.died_of)}).",
                where=job.name,
                remedy="It may have used up the memory: start with fewer workers, or take this file out.",
            )
        worker.send(job)

    def take(self, worker: _Worker, answer: Mapping[str, object]) -> None:
        """Take one answer of a worker; raises the error that it tells."""
        if "read" in answer:
            worker.done = int(str(answer["read"]))
        elif "done" in answer:
            self.finished += worker.job.size if worker.job else 0
            worker.job, worker.done = None, 0
            self.give(worker)
        else:
            raise _as_error(answer, worker.job)


def _describe_end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return "nobody saw how" if code is None else f"exit code {code}"


def _as_error(answer: Mapping[str, object], job: Job | None) -> KifabrikError:
    """Turn what a worker told into the error of the house that it was."""
    kind = _KINDS.get(str(answer.get("error")), KifabrikError)
    where = str(answer.get("where") or (job.name if job else ""))
    return kind(str(answer.get("message")), where=where, remedy=str(answer.get("remedy")), code=str(answer.get("code")))


_KINDS: dict[str, type[KifabrikError]] = {
    each.__name__: each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, KifabrikError)
}


@contextmanager
def crew(place: Path, count: int) -> Iterator[Crew]:
    """Give worker processes that end with the block, whatever ends it."""
    made = Crew(place, count)
    made.start()
    try:
        yield made
    finally:
        made.end()
