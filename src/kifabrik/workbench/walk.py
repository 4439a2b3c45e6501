"""The walk in a run folder: dataset, tokenizer, encoding, pre-training, fine-tuning, packaging, evaluation.

Each step is journalled when it is finished; a new start skips those and goes on in the unfinished one. Packaging comes
before evaluation, so that the evaluated bytes are the released ones. Knows the order, not the work.
"""

import time
from contextlib import suppress
from pathlib import Path

from kifabrik.core import flop
from kifabrik.core.errors import KifabrikError
from kifabrik.datasets import folder as dataset_folder
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_event import EventKind, RunEvent
from kifabrik.records.run_manifest import ComputeRecord, RunManifest, StepRecord
from kifabrik.training import hardware, team
from kifabrik.training.hardware import Hardware
from kifabrik.training.stopping import Stopped
from kifabrik.training.team import Team
from kifabrik.workbench import environment, failures, lease, stop_signal
from kifabrik.workbench.energy import EnergyMeter
from kifabrik.workbench.events import Clock, EventLog, Listen, active_seconds, utc_text
from kifabrik.workbench.journal import Journal
from kifabrik.workbench.run_folder import RunFolder
from kifabrik.workbench.step import Step, Walk
from kifabrik.workbench.steps import delivery, learning, preparation

# What the leader calls at its end. After any other error it just leaves: its followers see the connection close.
DISMISSED, STOPPED = "", "stopped"


def plan(recipe: Recipe) -> tuple[Step, ...]:
    """Give the steps of a recipe in their order."""
    steps = [
        Step("dataset", preparation.verify_dataset),
        Step("tokenizer", preparation.train_tokenizer),
        Step("encoding", preparation.encode),
        Step("pretraining", learning.pretrain, is_shared=True),
        *([Step("fine-tuning", learning.fine_tune, is_shared=True)] if recipe.fine_tuning else []),
        Step("packaging", delivery.package),
        Step("evaluation", delivery.evaluate),
    ]
    return tuple(steps)


def run(
    recipe: Recipe, *, folder: Path, dataset: Path, run_id: str, now: Clock, listen: Listen | None = None
) -> RunManifest:
    """Walk a recipe to its end in a run folder, or go on where an earlier start ended.

    Where several processes were started together, this is the first one's part; `following.follow` is that of the rest.
    Raises Conflict if the folder is in use or belongs to another run, Stopped if the process was asked to stop, and
    the error of the step that failed; the events file then ends with the same sentence. In a job of a cluster, which
    may start it twice, it waits for a while for the folder.
    """
    chosen = hardware.prepare(recipe.hardware)
    with team.join(device=chosen.device) as crew:
        try:
            manifest = _lead(
                recipe, chosen, crew, folder=folder, dataset=dataset, run_id=run_id, now=now, listen=listen
            )
        except Stopped:
            stop_signal.acknowledge()
            crew.call(STOPPED)
            raise
        crew.call(DISMISSED)
        return manifest


def _lead(
    recipe: Recipe,
    chosen: Hardware,
    crew: Team,
    *,
    folder: Path,
    dataset: Path,
    run_id: str,
    now: Clock,
    listen: Listen | None,
) -> RunManifest:
    paths, card = RunFolder(folder), dataset_folder.read_card(dataset)
    patience_seconds = lease.PATIENCE_SECONDS if stop_signal.is_in_job() else 0.0
    with (
        stop_signal.listen() as should_stop,
        lease.hold(paths.lease, patience_seconds=patience_seconds, should_stop=should_stop),
    ):
        journal = Journal.open(paths, recipe=recipe, card=card, run_id=run_id, environment=environment.describe(chosen))
        if journal.manifest.finished:
            return journal.manifest
        meter = EnergyMeter()

        def hear(event: RunEvent) -> None:
            meter.sample()
            if listen:
                listen(event)

        log = EventLog(paths.events, now=now, listen=hear)
        walk = Walk(
            recipe=recipe,
            run_id=run_id,
            folder=paths,
            dataset=dataset,
            card=card,
            hardware=chosen,
            log=log,
            should_stop=should_stop,
            now=now,
            team=crew,
        )
        _walk_on(walk, journal, meter)
        return journal.manifest


def _walk_on(walk: Walk, journal: Journal, meter: EnergyMeter) -> None:
    begun_at = time.monotonic()
    current = ""
    try:
        walk.log.write(kind=EventKind.ATTEMPT, message=f"attempt {journal.manifest.attempts}")
        for step in plan(walk.recipe):
            current = step.name
            if not journal.has(step.name):
                stop_signal.require_going_on(walk.should_stop)
                _take(step, walk, journal)
        current = ""
        _finish(walk, journal, meter, attempt_seconds=time.monotonic() - begun_at)
    except KifabrikError as error:
        _tell_failure(walk, current, error)
        raise
    except Exception as error:
        explained = failures.explain(error, step=current, details=walk.folder.failure)
        _tell_failure(walk, current, explained)
        raise explained from error


def _tell_failure(walk: Walk, step: str, error: KifabrikError) -> None:
    # A full disk may refuse this line too; the error itself reaches the caller in any case.
    with suppress(KifabrikError):
        kind = EventKind.WARNING if isinstance(error, Stopped) else EventKind.FAILED
        walk.log.write(kind=kind, step=step, message=str(error))


def _take(step: Step, walk: Walk, journal: Journal) -> None:
    started_at, begun = utc_text(walk.now()), time.monotonic()
    walk.log.write(kind=EventKind.STEP_STARTED, step=step.name, done=0.0)
    if step.is_shared:
        walk.team.call(step.name)
    result = step.run(walk)
    record = StepRecord(
        step=step.name,
        started_at=started_at,
        ended_at=utc_text(walk.now()),
        wall_seconds=time.monotonic() - begun,
        outputs=journal.digest_outputs(result.outputs),
        figures=dict(result.figures),
    )
    journal.record(record, result)
    walk.log.write(kind=EventKind.STEP_ENDED, step=step.name, done=1.0, seconds_left=0.0)


def _finish(walk: Walk, journal: Journal, meter: EnergyMeter, *, attempt_seconds: float) -> None:
    figures = [record.figures for record in journal.manifest.steps]
    total_seconds = max(attempt_seconds, active_seconds(walk.folder.events))
    compute = ComputeRecord(
        flop=int(sum(each.get("flop", 0) for each in figures)),
        method=f"{flop.METHOD}; training only, without evaluation",
        train_tokens=int(sum(each.get("tokens", 0) for each in figures)),
        wall_seconds=total_seconds,
    )
    energy = meter.record(hardware=walk.hardware, attempt_seconds=attempt_seconds, total_seconds=total_seconds)
    journal.finish(compute=compute, energy=energy)
    walk.log.write(kind=EventKind.FINISHED, done=1.0, message="finished")
