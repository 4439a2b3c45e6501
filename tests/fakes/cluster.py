"""A cluster in memory whose jobs follow a script, with the manners of an Executor."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.fakes import walk

from kifabrik.cluster.jobs import ENDED, JobRef, JobReport, JobSpec, JobState
from kifabrik.records import UsageRecord

Script = tuple[JobState, ...]
SUCCESS = (JobState.WAITING, JobState.RUNNING, JobState.SUCCEEDED)
LOST = (JobState.RUNNING, JobState.LOST)
KILLED = (JobState.RUNNING, JobState.RUNNING, JobState.KILLED)
FAILURE = (JobState.RUNNING, JobState.FAILED)
ENDLESS = (JobState.RUNNING,)
QUICK_SUCCESS = (JobState.SUCCEEDED,)


class ScriptedExecutor:
    """A cluster in memory that survives its agent: each look at a job moves it one step on in its script."""

    def __init__(self, home: Path, scripts: Sequence[Script]) -> None:
        self.home = home
        self.scripts = scripts
        self.jobs: dict[str, JobSpec] = {}
        self.looks: dict[str, int] = {}
        self.ended: dict[str, JobState] = {}
        self.starts = 0
        self.boundary: Callable[[], None] = lambda: None

    def submit(self, job: JobSpec) -> JobRef:
        self.boundary()
        if job.key not in self.jobs:
            self.jobs[job.key] = job
            self.starts += 1
            walk.say(job.folder / "events.jsonl", kind="attempt", message=f"attempt {job.attempt}")
        self.boundary()
        return self._ref(job.key)

    def find(self, key: str) -> JobRef | None:
        return self._ref(key) if key in self.jobs else None

    def poll(self, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
        return {ref: self._look(ref) for ref in refs}

    def cancel(self, ref: JobRef) -> None:
        self.boundary()
        self.ended.setdefault(ref.key, JobState.CANCELLED)
        self.boundary()

    def usage(self, ref: JobRef) -> UsageRecord:
        job = self.jobs[ref.key]
        return UsageRecord(
            key=job.key, run_id=job.run_id, attempt=job.attempt, cluster="scripted", job_id=ref.job_id,
            submitted_at=ref.submitted_at, started_at=None, ended_at=None, devices=1, gpu_seconds=7, cpu_seconds=1,
            peak_memory_bytes=1, exit_code=None, source="script",
        )  # fmt: skip

    def _look(self, ref: JobRef) -> JobReport:
        job = self.jobs[ref.key]
        script = self.scripts[job.attempt - 1]
        at = self.looks[ref.key] = self.looks.get(ref.key, -1) + 1
        state = self.ended.get(ref.key) or script[min(at, len(script) - 1)]
        if state in ENDED and ref.key not in self.ended:
            self.ended[ref.key] = state
            if state is JobState.SUCCEEDED:
                walk.finish(job.folder, job.folder / "recipe.json", job.run_id, is_finished=True)
        started_at = None if state is JobState.WAITING else "2026-11-24T12:00:01Z"
        return JobReport(ref=ref, state=state, started_at=started_at, reason="as the script says")

    def _ref(self, key: str) -> JobRef:
        return JobRef(cluster="scripted", job_id=key, submitted_at="2026-11-24T12:00:00Z", key=key)
