"""Where jobs are done: a part made, another dataset signed, near-duplicates compared, a shard written.

The same bench stands in this process and in every worker. Knows the plan of a check and its work folder.
"""

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path

from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import write_bytes
from kifabrik.datasets.deduplication import TextComparison
from kifabrik.datasets.pipeline import against, twins
from kifabrik.datasets.pipeline.against import SignOrder
from kifabrik.datasets.pipeline.instruments import Instruments
from kifabrik.datasets.pipeline.part import Report, make_part
from kifabrik.datasets.pipeline.placement import ShardOrder, assemble
from kifabrik.datasets.pipeline.plan import Task
from kifabrik.datasets.pipeline.twins import CompareOrder, SeekOrder
from kifabrik.datasets.settings import PlanRecord

PLAN, TASKS = "plan.json", "tasks.jsonl"
_OBJECTS_BETWEEN_COLLECTIONS = 100_000
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt(3)
_KEPT_BYTES, _MAPPED_BYTES = 128 * 1024**2, 32 * 1024**2


class Bench:
    """Does jobs for one check."""

    def __init__(self, place: Path) -> None:
        keep_freed_memory()
        self.place = place
        self.plan = PlanRecord.read(place / PLAN)

    @cached_property
    def instruments(self) -> Instruments:
        """What looks at texts, made when the first part needs it."""
        return Instruments(self.plan.settings)

    def do(self, job: bytes, report: Report) -> None:
        """Do one job, written as a line of JSON; what it makes lies in the work folder afterwards."""
        kind, _, line = job.partition(b" ")
        with collecting_rarely():
            _JOBS[kind](self, line, report)

    def make_part(self, line: bytes, report: Report) -> None:
        """Make the part of a task."""
        task = Task.from_line(line)
        make_part(
            task,
            self.plan.settings,
            place=self.place,
            instruments=lambda: self.instruments,
            report=lambda read: report(read * task.work_bytes // max(1, task.size_bytes)),
        )

    def sign(self, line: bytes, report: Report) -> None:
        """Make the signatures of a shard of another dataset."""
        parameters = self.plan.settings.near_duplicates.parameters
        against.sign(SignOrder.from_line(line), place=self.place, parameters=parameters, report=report)

    @cached_property
    def comparison(self) -> TextComparison:
        """What compares texts of the parts, opened when all parts are made."""
        return twins.open_comparison(self.place, self.plan.tasks, self.plan.settings.near_duplicates.parameters)

    def seek(self, line: bytes, report: Report) -> None:
        """Find pairs that may be near-duplicates."""
        order = SeekOrder.from_line(line)
        parameters = self.plan.settings.near_duplicates.parameters
        twins.seek(order, place=self.place, parts=self.plan.tasks, parameters=parameters)
        report(order.end_band - order.first_band)

    def compare(self, line: bytes, report: Report) -> None:
        """Compare pairs of texts that may be near-duplicates."""
        order = CompareOrder.from_line(line)
        twins.compare(order, place=self.place, comparison=self.comparison)
        report(order.pairs)

    def write_shard(self, line: bytes, report: Report) -> None:
        """Write a shard of the dataset folder."""
        assemble(ShardOrder.from_line(line), place=self.place, report=report)


_JOBS: dict[bytes, Callable[[Bench, bytes, Report], None]] = {
    b"part": Bench.make_part,
    b"sign": Bench.sign,
    b"seek": Bench.seek,
    b"compare": Bench.compare,
    b"shard": Bench.write_shard,
}


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed: blocks of texts come and go by the megabyte, and pages that go back to the
    kernel are cleared and mapped again for the next block."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for cycles of garbage less often: texts and hits are many objects without any cycle."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def write_plan(place: Path, plan: PlanRecord, tasks: tuple[Task, ...]) -> None:
    """Write the plan for the workers."""
    write_bytes(place / TASKS, b"".join(task.as_line() for task in tasks))
    plan.write(place / PLAN)


def read_tasks(place: Path) -> tuple[Task, ...]:
    """Read the tasks of a plan; raises InvalidInput if they are not all there."""
    path = place / TASKS
    if not path.is_file():
        raise InvalidInput("there is no plan of a check.", where=str(place), remedy="Start the check again.")
    with path.open("rb") as stream:
        return tuple(Task.from_line(line) for line in stream)
