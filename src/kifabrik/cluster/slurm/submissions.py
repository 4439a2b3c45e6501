"""What we know ourselves of the jobs we gave to Slurm: one small file for each key. Knows no scheduler.

<key>.lock  held while a key is being submitted; sbatch holds it too, so that it stays held should we be killed
<key>.sh    the script
<key>.json  written before sbatch without a job number, and again with it; without one, nobody knows yet if there is one
"""

import errno
import fcntl
import json
import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from kifabrik.cluster.job_folder import folder_name
from kifabrik.core import files
from kifabrik.core.errors import Unavailable

_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One job as it was given to Slurm; `job_id` is empty as long as sbatch did not answer."""

    key: str
    submitted_at: str
    log: str
    time_limit_seconds: int
    job_id: str = ""


class Submissions:
    """The submissions of one state folder; any number of processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Submission] = {}  # one with a job number never changes
        with files.explain_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def read(self, key: str) -> Submission | None:
        """Read what is known of a key; a file that a power cut tore counts as one without a job number."""
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            text = self._path(key, ".json").read_bytes()
        except FileNotFoundError:
            return None
        try:
            submission = Submission(**json.loads(text))
        except (ValueError, TypeError):
            return Submission(key=key, submitted_at="", log="", time_limit_seconds=0)
        if submission.job_id:
            self._known[key] = submission
        return submission

    def write(self, submission: Submission) -> None:
        """Keep a submission: whole or not at all.

        Not forced to disk: after a power cut, queue and accounting are asked, as after any start of this process.
        """
        self._replace(self._path(submission.key, ".json"), json.dumps(asdict(submission)))
        if submission.job_id:
            self._known[submission.key] = submission

    def write_script(self, key: str, text: str) -> Path:
        """Keep the script of a key and say where."""
        path = self._path(key, ".sh")
        self._replace(path, text)
        return path

    def forget(self, key: str) -> None:
        """Drop a key that Slurm refused, so that it may be tried again."""
        self._known.pop(key, None)
        with suppress(FileNotFoundError):
            self._path(key, ".json").unlink()

    def old_files(self, *, before: float, keys: Collection[str], runs: Collection[str]) -> Sequence[Path]:
        """List the files of keys of which none changed since a moment, but none of those keys and those runs."""
        kept = {folder_name(key) for key in keys}
        groups: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(self._folder.glob("*.*")):
            groups[path.stem].append(path)
        return [
            path
            for stem, paths in groups.items()
            if stem not in kept and stem.rpartition(".")[0] not in runs
            if all(each.stat().st_mtime < before for each in paths)
            for path in paths
        ]

    @contextmanager
    def hold(self, key: str) -> Iterator[int]:
        """Hold a key, and give the open lock; raises Unavailable if another process keeps it for long."""
        path = self._path(key, ".lock")
        with files.explain_disk_errors(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            until = time.monotonic() + _PATIENCE_SECONDS
            while not _lock(handle):
                if time.monotonic() > until:
                    raise Unavailable("another process is submitting this job.", where=key, code="busy")
                time.sleep(0.02)
            yield handle
        finally:
            os.close(handle)

    def _path(self, key: str, ending: str) -> Path:
        return self._folder / f"{folder_name(key)}{ending}"

    def _replace(self, path: Path, text: str) -> None:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with files.explain_disk_errors(path):
                draft.write_text(text)
                draft.replace(path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise Unavailable(f"cannot lock a file: {error.strerror}.", code="disk") from error
        return False
    return True
