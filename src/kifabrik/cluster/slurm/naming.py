"""How a job of ours is known again in queue and accounting: by its name and its comment. Knows no command.

The name holds the key, `kf-<run>:<attempt>`; the comment holds the key and the moment of submission, `kifabrik <key>
<moment>`. That moment is part of a job's identity, because it stays: Slurm's own submit time changes at every requeue,
and its job numbers come again after a crash. Anybody may give a job such a name, so believe it only of the user that
submits for Kifabrik.
"""

import re
from dataclasses import dataclass

from kifabrik.cluster.jobs import KEY_PATTERN

PREFIX = "kf-"
_COMMENT = re.compile(r"kifabrik (\S+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00)")


@dataclass(frozen=True, slots=True)
class Mark:
    """What name and comment of a job say; `submitted_at` is empty where a cluster keeps no comments."""

    key: str
    submitted_at: str


def job_name(key: str) -> str:
    """Name the job of a key."""
    return PREFIX + key


def comment(key: str, submitted_at: str) -> str:
    """Write the comment of a job; `submitted_at` is UTC with whole seconds, `2026-11-24T09:00:00+00:00`."""
    return f"kifabrik {key} {submitted_at}"


def read_mark(name: str, comment: str) -> Mark | None:
    """Read the mark of a job, or None for a job that is not ours by its name."""
    key = name.removeprefix(PREFIX)
    if key == name or not KEY_PATTERN.fullmatch(key):
        return None
    match = _COMMENT.fullmatch(comment.strip())
    return Mark(key=key, submitted_at=match[2] if match and match[1] == key else "")
