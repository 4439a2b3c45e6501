"""`kifabrik dataset part` and `finish`, and the jobs of a cluster that run them for a check that is too large for one
machine."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli.terminal import explain_errors, progress_bar, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import has_blocking
from kifabrik.core.quantities import format_count

if TYPE_CHECKING:
    from kifabrik.datasets.check import Wish

_ARRAY_MAX = 1000  # Slurm's MaxArraySize is 1001 unless a site says otherwise
_PART_SECONDS = 4 * 3600
_FINISH_SECONDS = 24 * 3600


def part(
    work: Annotated[Path, typer.Argument(help="work folder of a planned check")],
    index: Annotated[int, typer.Argument(min=0, help="number of this job, from 0")],
    of: Annotated[int, typer.Option(min=1, help="how many such jobs there are")] = 1,
) -> None:
    """Make every OF-th part of a planned check, from INDEX on; started again, it makes only what is missing."""
    with explain_errors():
        # Arrow's own allocators reserve a GB that counts against the limit of a worker, though nobody uses it.
        os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
        from kifabrik.datasets.check import make_parts  # the detectors take their time
        from kifabrik.datasets.pipeline.worker import leave_pandas_out

        leave_pandas_out()
        if index >= of:
            raise InvalidInput(f"job {index} is none of 0 to {of - 1}.", remedy="Say with --of how many there are.")
        count = make_parts(work, first=index, step=of)
        say(f"{format_count(count, 'part is done', 'parts are done')}.")


def finish(
    work: Annotated[Path, typer.Argument(help="work folder of a planned check")],
    workers: Annotated[int | None, typer.Option(min=1, help="processes; all cores by default")] = None,
) -> None:
    """Join the parts of a planned check into its dataset folder; parts that are missing are made."""
    with explain_errors():
        from kifabrik.datasets.check import finish_dataset  # as in part
        from kifabrik.datasets.folder import read_card
        from kifabrik.datasets.pipeline.worker import leave_pandas_out

        leave_pandas_out()
        with progress_bar() as bar:
            row = bar.add_task("Finishing", total=1.0)
            out = finish_dataset(
                work.absolute(),
                now=datetime.now(UTC),
                workers=workers,
                progress=lambda note: bar.update(row, completed=note.done),
            )
        say(f"The dataset lies in {out}.")
        if has_blocking(read_card(out).findings):
            raise typer.Exit(InvalidInput.exit_code)


def submit(wish: "Wish", *, profile_file: Path, account: str, jobs_at_once: int) -> None:
    """Plan a check and bring it to a cluster: an array of jobs for the parts, and one that finishes.

    The sources, the place of the dataset folder and the key must lie where the nodes of the cluster see them.
    """
    from kifabrik.cluster.jobs import JobSpec  # as in part
    from kifabrik.cluster.slurm.executor import SlurmExecutor
    from kifabrik.cluster.slurm.profile import read_profile
    from kifabrik.cluster.slurm.script import TASK, ArraySpec
    from kifabrik.core.canonical import digest
    from kifabrik.datasets.check import plan_dataset

    profile = read_profile(profile_file)
    place, tasks = plan_dataset(wish)
    place = place.absolute()
    size = max(1, min(tasks, _ARRAY_MAX))
    name = "dataset-" + digest([str(place), (place / "plan.json").read_text(), os.urandom(8).hex()])[7:23]
    executor = SlurmExecutor(profile, state_folder=place / "jobs")
    python = profile.python or sys.executable

    def describe(run: str, seconds: int, *words: str) -> JobSpec:
        return JobSpec(
            key=f"{run}:1",
            run_id=run,
            attempt=1,
            command=(python, "-m", "kifabrik", "dataset", *words),
            folder=place / "jobs" / run,
            devices=1,
            time_limit_seconds=seconds,
            account=account,
        )

    parts = describe(f"{name}-parts", _PART_SECONDS, "part", str(place), TASK, "--of", str(size))
    array = executor.submit_array(parts, ArraySpec(size, jobs_at_once))
    final = describe(f"{name}-finish", _FINISH_SECONDS, "finish", str(place))
    last = executor.submit(final, after=(array,))
    say(f"{tasks} parts in {size} jobs of array {array.job_id}, then job {last.job_id} makes {wish.out}.")
    say(f"What they say lies in {place / 'jobs'}; after an error start the same command again: it goes on.")
