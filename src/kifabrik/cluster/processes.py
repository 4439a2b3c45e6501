"""Processes known for certain: a process number counts only together with its start. Standard library and psutil.

Numbers are given out again, after a reboot soon; a signal sent to a bare number may hit a stranger.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process for certain: its number, and its start in clock ticks of one boot (elsewhere: its start moment)."""

    pid: int
    started: str


def mark_of(pid: int) -> ProcessMark | None:
    """Mark a living process, or None if there is none of that number; a zombie is not living."""
    stat = Path(f"/proc/{pid}/stat")
    if _BOOT_ID.exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else ProcessMark(pid, f"{_BOOT_ID.read_text().strip()}:{fields[19]}")
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return ProcessMark(pid, f"{process.create_time():.2f}")
    return None


def is_alive(mark: ProcessMark) -> bool:
    """Say whether this very process still runs."""
    return mark_of(mark.pid) == mark


def kill_group(mark: ProcessMark) -> bool:
    """Kill the process group led by this very process at once; says whether it was still there."""
    if not is_alive(mark):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(mark.pid, signal.SIGKILL)
    return True


def die_with_parent(parent: int) -> None:
    """Make the kernel kill the calling process when its parent dies (Linux); elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)


def adopt_orphans() -> None:
    """Make descendants whose parent died children of the calling process (Linux), so that none slips away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
