"""The pass from files to a dataset folder: plan tasks, make parts, join them, write shards and card, judge.

Knows the order of the work; each step lives in a module of its own, most of them in `pipeline/`. What is finished stays
in a hidden work folder beside the dataset folder until the end, so that a killed or stopped check goes on when it is
started again with the same words.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kifabrik.core import canonical
from kifabrik.core.errors import InvalidInput, KifabrikError
from kifabrik.datasets import finding_rows, sources
from kifabrik.datasets.decontamination import EvaluationIndex
from kifabrik.datasets.detectors.scanner import describe_rules
from kifabrik.datasets.documents import STANDARD_LIMITS, Limits, ProgressNote
from kifabrik.datasets.folder import FINDINGS_NAME, require_free
from kifabrik.datasets.keys import open_key
from kifabrik.datasets.opt_outs import read_opt_outs
from kifabrik.datasets.pipeline import against, bench, finishing, workers, workplace
from kifabrik.datasets.pipeline.bench import Bench
from kifabrik.datasets.pipeline.instruments import make_names
from kifabrik.datasets.pipeline.plan import Task, make_tasks
from kifabrik.datasets.pipeline.progress import Progress
from kifabrik.datasets.pipeline.worker import limit_memory
from kifabrik.datasets.pipeline.workers import Job, crew, do_here
from kifabrik.datasets.settings import Action, NearDuplicateChoice, PartSettings, PlanRecord
from kifabrik.records.dataset_card import DatasetCard, DeclaredOrigin

Report = Callable[[ProgressNote], None]
_KEY = "key"
_TASKS_A_WORKER = 2  # at least; to start one for less takes longer than the work
_WORTH_KEEPING_BYTES = 16 * 1000**2  # of sources; less is read again in a second


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may choose about a check; the defaults report personal data and take near-duplicates out.

    Without `key_file` the key of the findings lives as long as the check, and nobody can test a guess afterwards.
    """

    action: Action = "report"
    key_file: Path | None = None
    names: str = "none"
    near_duplicates: NearDuplicateChoice = field(default_factory=NearDuplicateChoice)
    evaluation_texts: tuple[Path, ...] = ()
    opt_outs: Path | None = None
    drops_reserved: bool = False
    against: tuple[Path, ...] = ()
    drops_elsewhere: bool = False
    stops_at_broken: bool = False
    workers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be made of which files: the words of one check."""

    paths: Sequence[Path]
    out: Path
    name: str
    origin: DeclaredOrigin
    limits: Limits = STANDARD_LIMITS
    held_out_share: float = 0.05
    seed: int = 17
    choices: Choices = Choices()


def check_dataset(
    paths: Sequence[Path],
    *,
    out: Path,
    name: str,
    origin: DeclaredOrigin,
    now: datetime,
    progress: Report | None = None,
    limits: Limits = STANDARD_LIMITS,
    held_out_share: float = 0.05,
    seed: int = 17,
    findings_out: Path | None = None,
    choices: Choices = Choices(),
) -> DatasetCard:
    """Check files and folders and write the dataset folder `out`, whole or not at all; returns its card.

    Equal inputs, choices and key give equal bytes, however many workers there are and however often one was killed.
    `findings_out` receives a copy of the rows of findings. Raises NotFound, InvalidInput with file and line, Conflict
    if `out` is taken, Unavailable for a full disk.
    """
    wish = Wish(
        paths=paths,
        out=out,
        name=name,
        origin=origin,
        limits=limits,
        held_out_share=held_out_share,
        seed=seed,
        choices=choices,
    )
    _require_sense(wish)
    if findings_out is not None:
        finding_rows.require_free(findings_out)
    with workplace.owning(out) as place, _keeping_parts(place, limits):
        plan, tasks = _plan(wish, place)
        card = work_through(place, plan, tasks, out=out, now=now, report=progress, count=choices.workers)
        if findings_out is not None:
            _copy_rows(out, findings_out)
        workplace.remove(place)
    return card


def _copy_rows(out: Path, to: Path) -> None:
    """Copy the rows of findings; if they cannot be written, the dataset folder goes again: whole or not at all."""
    try:
        finding_rows.copy_rows(out / FINDINGS_NAME, to)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def plan_dataset(wish: Wish) -> tuple[Path, int]:
    """Plan a check whose parts others make; returns the work folder and the number of tasks. Raises as the check does.

    `make_parts` makes parts wherever the work folder and the sources can be seen, `finish_dataset` does the rest.
    """
    _require_sense(wish)
    with workplace.owning(wish.out) as place, _keeping_parts(place, wish.limits):
        _, tasks = _plan(wish, place)
    return place, len(tasks)


def make_parts(place: Path, *, first: int, step: int) -> int:
    """Make every `step`-th part of a plan from `first` on, those that are not there yet; returns how many there are."""
    tasks = bench.read_tasks(place)[first::step]
    here = Bench(place)
    limit_memory(here.plan.settings)
    do_here([Job(b"part " + task.as_line(), task.work_bytes, _name(task)) for task in tasks], here.do, lambda _: None)
    return len(tasks)


def finish_dataset(place: Path, *, now: datetime, workers: int | None = None, progress: Report | None = None) -> Path:
    """Join the parts of a plan into its dataset folder and return that; parts that are not there yet are made."""
    out = workplace.out_of(place)
    require_free(out)
    with workplace.owning(out), _keeping_parts(place, STANDARD_LIMITS):
        plan, tasks = PlanRecord.read(place / bench.PLAN), bench.read_tasks(place)
        work_through(place, plan, tasks, out=out, now=now, report=progress, count=workers)
        workplace.remove(place)
    return out


def _require_sense(wish: Wish) -> None:
    if not 0 <= wish.held_out_share < 1:
        raise InvalidInput("the held-out share is not between 0 and 1.", remedy="Write for example 0.05.")
    workplace.clear_finished(wish.out)
    require_free(wish.out)
    _require_outside(wish.out, wish.paths)


def _plan(wish: Wish, place: Path) -> tuple[PlanRecord, tuple[Task, ...]]:
    """Find the files, cut them into tasks, settle what the choices stand for, and write that down for all workers."""
    choices = wish.choices
    others = against.settle(choices.against, near=choices.near_duplicates, drops=choices.drops_elsewhere)
    selection = sources.find_files(wish.paths, limits=wish.limits)
    tasks = make_tasks(selection.files, limits=wish.limits)
    plan = PlanRecord(
        settings=_settle(choices, wish.limits, place, outside=(wish.out, *wish.paths)),
        tasks=len(tasks),
        size_bytes=selection.size_bytes,
        name=wish.name,
        origin=wish.origin,
        held_out_share=wish.held_out_share,
        seed=wish.seed,
        drops_reserved=choices.drops_reserved,
        against=others,
        drops_elsewhere=choices.drops_elsewhere,
        skipped=selection.skipped,
        where=", ".join(str(path) for path in wish.paths[:3]),
    )
    workplace.clear_drafts(place, parts=len(tasks))
    bench.write_plan(place, plan, tasks)
    return plan, tasks


def work_through(
    place: Path,
    plan: PlanRecord,
    tasks: Sequence[Task],
    *,
    out: Path,
    now: datetime,
    report: Report | None,
    count: int | None,
) -> DatasetCard:
    """Make the parts that are missing, join them and put the dataset folder into its place."""
    progress = Progress(report)
    jobs = [Job(b"part " + task.as_line(), max(1, task.work_bytes), _name(task)) for task in tasks]
    wanted = min(count or workers.count_cores(), len(jobs) // _TASKS_A_WORKER)

    def run(do: Callable[[Sequence[Job], Callable[[int], None]], None]) -> DatasetCard:
        do(jobs, progress.stage(0.0, 0.88, sum(job.size for job in jobs)))
        return finishing.finish(place, plan, tasks, out=out, now=now, do=do, progress=progress, workers=max(1, wanted))

    if wanted <= 1:
        here = Bench(place)
        return run(lambda jobs, told: do_here(jobs, here.do, told))
    with crew(place, wanted) as team:
        return run(team.do)


def _settle(choices: Choices, limits: Limits, place: Path, *, outside: Sequence[Path]) -> PartSettings:
    """Look up what the choices stand for: key, rules, evaluation texts, opt-outs; raises what is wrong with them."""
    key_file = choices.key_file or place / _KEY
    key = open_key(key_file, outside=[] if choices.key_file is None else [path for path in outside if path.is_dir()])
    index = EvaluationIndex.read(choices.evaluation_texts, limits=limits) if choices.evaluation_texts else None
    opt_outs = read_opt_outs(choices.opt_outs) if choices.opt_outs is not None else None
    evidence = [each.model_dump(mode="json") for each in opt_outs.evidence] if opt_outs is not None else []
    return PartSettings(
        action=choices.action,
        key_file=str(key_file.absolute()),
        key_id=key.key_id,
        names=choices.names,
        names_method=make_names(choices.names).method,
        near_duplicates=choices.near_duplicates,
        evaluation=tuple(str(path.absolute()) for path in choices.evaluation_texts),
        evaluation_sets=tuple(each.label for each in index.sets) if index is not None else (),
        opt_outs=str(choices.opt_outs.absolute()) if choices.opt_outs is not None else "",
        opt_outs_digest=canonical.digest(evidence) if evidence else "",
        stops_at_broken=choices.stops_at_broken,
        limits=limits,
        rules=describe_rules(),
    )


@contextmanager
def _keeping_parts(place: Path, limits: Limits) -> Iterator[None]:
    """On any error keep the work folder if it holds enough work to go on from, and say so; else leave nothing.

    People asked for the dataset folder, so an error inside of the work folder is told as one of that.
    """
    try:
        yield
    except BaseException as error:
        kept = None if getattr(error, "code", "") == finishing.NOTHING else describe_kept(place, limits)
        if kept is None:
            workplace.remove(place)
        if not isinstance(error, KifabrikError):
            raise
        where = str(workplace.out_of(place)) if Path(error.where).is_relative_to(place) else error.where
        if kept is None and where == error.where:
            raise
        remedy = f"{error.remedy} {kept or ''}".strip()
        raise type(error)(error.message, where=where, remedy=remedy, code=error.code) from error


def describe_kept(place: Path, limits: Limits = STANDARD_LIMITS) -> str | None:
    """Say what a stopped check left to go on from; None if there is too little of it to be kept."""
    if not (place / bench.TASKS).is_file():
        return None
    tasks = bench.read_tasks(place)
    done = [task for task in tasks if workplace.part_folder(place, task.number).is_dir()]
    if sum(task.size_bytes for task in done) < min(_WORTH_KEEPING_BYTES, limits.task_bytes_max):
        return None
    return f"{len(done)} of {len(tasks)} parts are done and kept in {place}; the same command goes on from there."


def _require_outside(out: Path, paths: Sequence[Path]) -> None:
    """A dataset folder inside the folder it is made of would be read as its own source next time."""
    for path in paths:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise InvalidInput(
                f"lies inside {path}, which is to be checked.", where=str(out), remedy="Choose a folder elsewhere."
            )


def _name(task: Task) -> str:
    """Name a task for people: by its file, or by its first and last one."""
    names = [piece.name for piece in task.pieces]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
