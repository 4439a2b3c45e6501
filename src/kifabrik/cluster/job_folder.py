"""The state of one local job as small files, each written whole or not at all. Standard library only. Knows no process.

job.json     the claim: the folder appears with it in one rename, so that a key is claimed once
held.lock    locked by the job's supervisor as long as it lives; the kernel frees it when it dies, however it dies
intent.json  the supervisor is about to start the command
started.json the command runs: its process mark, when
beat.json    the last sample of time, CPU and memory
cancel       somebody asked for the end
ended.json   how it ended; from then on nothing changes
"""

import fcntl
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kifabrik.cluster.jobs import JobSpec, JobState
from kifabrik.cluster.processes import ProcessMark
from kifabrik.core import files
from kifabrik.core.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job as it was submitted; `order` sorts the queue."""

    spec: JobSpec
    submitted_at: str
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The command runs as the leader of its own process group."""

    mark: ProcessMark
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What was consumed when last looked; elapsed time is the monotonic clock's, so that a clock jump is not billed."""

    at: str
    elapsed_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


NOTHING_CONSUMED = Beat(at="", elapsed_seconds=0.0, cpu_seconds=0.0, peak_memory_bytes=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended and what it consumed in all."""

    state: JobState
    at: str
    exit_code: int | None
    reason: str
    consumed: Beat


def moment() -> str:
    """Say the moment in UTC, ISO 8601."""
    return datetime.now(tz=UTC).isoformat(timespec="milliseconds")


def folder_name(key: str) -> str:
    """Name the folder of a key: the attempt is all behind the last point, so that no two keys share a name."""
    return key.replace(":", ".")


class JobFolder:
    """Reads and writes the state files of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def claim(cls, parent: Path, claim: Claim) -> "JobFolder":
        """Make the folder of a key, or find the one another process made first."""
        final = cls(parent / folder_name(claim.spec.key))
        if final.path.exists():
            return final
        with files.explain_disk_errors(parent):
            parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=parent, prefix=".draft-"))
            files.write_text(draft / "job.json", json.dumps(_spec_as_json(claim)), mode=0o600)
            with suppress(OSError):  # a folder of that name stands already: another process was first
                draft.rename(final.path)
                files.fsync_folder(parent)
            _discard(draft)
        if not (final.path / "job.json").exists():
            raise Unavailable("cannot keep the job's folder.", where=str(final.path), code="disk")
        return final

    def lock(self) -> int | None:
        """Hold the job; None when its supervisor or another process holds it. Close the number to let go."""
        handle = os.open(self.path / "held.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def read_claim(self) -> Claim:
        value = json.loads((self.path / "job.json").read_bytes())
        spec = value.pop("spec")
        return Claim(
            spec=JobSpec(**{**spec, "command": tuple(spec["command"]), "folder": Path(spec["folder"])}), **value
        )

    def is_intended(self) -> bool:
        return (self.path / "intent.json").exists()

    def write_intent(self) -> None:
        files.write_text(self.path / "intent.json", json.dumps({"supervisor": os.getpid(), "at": moment()}))

    def read_started(self) -> Started | None:
        value = self._read("started.json")
        return None if value is None else Started(mark=ProcessMark(**value["mark"]), at=value["at"])

    def write_started(self, started: Started) -> None:
        files.write_text(self.path / "started.json", json.dumps(asdict(started)))

    def read_beat(self) -> Beat:
        value = self._read("beat.json")
        return NOTHING_CONSUMED if value is None else Beat(**value)

    def write_beat(self, beat: Beat) -> None:
        files.write_text(self.path / "beat.json", json.dumps(asdict(beat)))

    def read_ended(self) -> Ended | None:
        value = self._read("ended.json")
        if value is None:
            return None
        return Ended(**{**value, "state": JobState(value["state"]), "consumed": Beat(**value["consumed"])})

    def write_ended(self, ended: Ended) -> None:
        files.write_text(self.path / "ended.json", json.dumps(asdict(ended)))

    def is_interrupted(self) -> bool:
        """Say whether the job was asked to save and stop, to be resumed by another attempt."""
        return (self.path / "interrupt").exists()

    def write_interrupt(self) -> None:
        """Ask the job to save and stop."""
        files.write_bytes(self.path / "interrupt", b"")

    def is_cancelled(self) -> bool:
        return (self.path / "cancel").exists()

    def write_cancel(self) -> None:
        files.write_text(self.path / "cancel", moment())

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            value: dict[str, Any] = json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
        return value


def log_path(spec: JobSpec) -> Path:
    """Say where the command's output goes: beside its work, one file for each attempt."""
    return spec.folder / f"job-{spec.attempt}.log"


def _spec_as_json(claim: Claim) -> dict[str, Any]:
    spec = {**asdict(claim.spec), "folder": str(claim.spec.folder), "environment": dict(claim.spec.environment)}
    return {"spec": spec, "submitted_at": claim.submitted_at, "order": claim.order}


def _discard(draft: Path) -> None:
    with suppress(FileNotFoundError):
        (draft / "job.json").unlink()
        draft.rmdir()
