"""A round that changes nothing: every command and every write to the portal is said instead of done.

Reading is real. What a skipped step would have led to is not guessed, so a rehearsal shows the next steps only.
"""

import json
import shlex
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from kifabrik.cluster.executor import Executor
from kifabrik.cluster.jobs import JobRef, JobReport, JobSpec, JobState
from kifabrik.cluster.local import LocalExecutor
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.cluster.slurm.script import job_script
from kifabrik.core.quantities import format_bytes
from kifabrik.records import Recipe, UsageRecord
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import InputFile

Say = Callable[[str], None]
_BODY_CHARACTERS_MAX = 400


class RehearsalClient(PortalClient):
    """Reads from the portal and says what it would write."""

    def __init__(self, url: str, token: str, *, say: Say, allow_plain_http: bool = False) -> None:
        super().__init__(url, token, allow_plain_http=allow_plain_http)
        self._say = say

    def _send(self, method: str, path: str, **named: Any) -> httpx.Response:
        if method in {"GET", "HEAD"}:
            return super()._send(method, path, **named)
        text = json.dumps(named.get("json"), ensure_ascii=False) if "json" in named else ""
        more = f" ... ({len(text)} characters)" if len(text) > _BODY_CHARACTERS_MAX else ""
        self._say(f"{method} {path} {text[:_BODY_CHARACTERS_MAX]}{more}".rstrip())
        return httpx.Response(httpx.codes.NO_CONTENT)


class RehearsalStaging:
    """Says what would be laid out on the site's disk."""

    def __init__(self, home: Path, say: Say) -> None:
        self._home = home
        self._say = say

    def stage(self, inputs: Sequence[InputFile]) -> Path:
        """Say which files would be fetched."""
        size_bytes = sum(entry.size_bytes for entry in inputs)
        folder = self._home / "datasets" / "..."
        self._say(f"fetch {len(inputs)} files ({format_bytes(size_bytes)}) into {folder}, unless they are there")
        return folder

    def write_recipe(self, recipe: Recipe, folder: Path) -> Path:
        """Say where the recipe would be written."""
        self._say(f"write the recipe {recipe.name!r} to {folder / 'recipe.json'}")
        return folder / "recipe.json"


class RehearsalOnSlurm:
    """An Executor that asks Slurm for real and says what it would submit and cancel."""

    def __init__(self, profile: SiteProfile, *, state_folder: Path, slurm: Slurm, say: Say) -> None:
        self._real = SlurmExecutor(profile, state_folder=state_folder, slurm=slurm)
        self._profile = profile
        self._say = say

    def submit(self, job: JobSpec) -> JobRef:
        """Say the command and the script; both are made in a folder that goes away."""
        with tempfile.TemporaryDirectory(prefix="kifabrik-rehearsal-") as name:
            folder = Path(name) / "run"

            def tell(text: str) -> None:
                self._say(text.replace(str(folder), str(job.folder)))

            dry = SlurmExecutor(self._profile, state_folder=Path(name), slurm=Slurm(dry_run=tell))
            ref = dry.submit(replace(job, folder=folder))
        self._say(job_script(job, self._profile))
        return ref

    def find(self, key: str) -> JobRef | None:
        """Find the job of a key."""
        return self._real.find(key)

    def poll(self, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
        """Say where jobs stand."""
        return self._real.poll(refs)

    def cancel(self, ref: JobRef) -> None:
        """Say what would be cancelled."""
        self._real.cancel(ref)

    def usage(self, ref: JobRef) -> UsageRecord:
        """Say what a job consumed."""
        return self._real.usage(ref)

    def alive_keys(self) -> Collection[str]:
        """Name the jobs that wait or run."""
        return self._real.alive_keys()

    def old_notes(self, *, before: float, runs: Collection[str]) -> Sequence[Path]:
        """List our notes of jobs that are over."""
        return self._real.old_notes(before=before, runs=runs)


class RehearsalHere:
    """An Executor that reads the jobs of this machine without moving any of them on."""

    def __init__(self, real: LocalExecutor, say: Say) -> None:
        self._real = real
        self._say = say

    def submit(self, job: JobSpec) -> JobRef:
        """Say the command."""
        self._say(f"start in {job.folder}: {shlex.join(job.command)}")
        return JobRef("local", "dry-run", "", job.key)

    def find(self, key: str) -> JobRef | None:
        """Find the job of a key."""
        return self._real.find(key)

    def poll(self, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
        """Say where jobs stand, as far as their usage tells."""
        return {ref: self._report(ref) for ref in refs}

    def cancel(self, ref: JobRef) -> None:
        """Say what would be cancelled."""
        self._say(f"cancel {ref.key}")

    def usage(self, ref: JobRef) -> UsageRecord:
        """Say what a job consumed."""
        return self._real.usage(ref)

    def _report(self, ref: JobRef) -> JobReport:
        used = self._real.usage(ref)
        state = JobState.RUNNING if used.started_at else JobState.WAITING
        if used.ended_at:
            state = JobState.SUCCEEDED if used.exit_code == 0 else JobState.FAILED
        return JobReport(ref=ref, state=state, started_at=used.started_at, ended_at=used.ended_at)


def rehearse_executor(profile: SiteProfile, *, home: Path, devices: int, slurm: Slurm, say: Say) -> Executor:
    """Choose the executor of a rehearsal as the profile says."""
    if profile.executor == "slurm":
        return RehearsalOnSlurm(profile, state_folder=home / "jobs", slurm=slurm, say=say)
    return RehearsalHere(LocalExecutor(home / "jobs", devices=devices), say)
