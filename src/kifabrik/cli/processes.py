"""Keeps the processes of one machine running side by side and ends them together. Knows commands, not what they do."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kifabrik.core.files import write_text

GRACE_SECONDS = 8
BACK_OFF_SECONDS_MAX = 30
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Kept:
    """One process that is started again whenever it ends."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_at: float = 0.0
    wait_until: float = 0.0


@dataclass(slots=True)
class Keeper:
    """Starts processes, starts a dead one again with a growing pause, ends all."""

    folder: Path
    kept: list[Kept] = field(default_factory=list)

    def add(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process and keep it; its output goes to `<folder>/<name>.log`, its id to `<folder>/<name>.pid`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        one = Kept(name=name, command=command, environment=environment, log=self.folder / f"{name}.log")
        self.kept.append(one)
        self._start(one)

    def _start(self, one: Kept) -> None:
        with one.log.open("ab") as log:
            one.process = subprocess.Popen(
                list(one.command),
                env={**os.environ, **one.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
            )
        one.starts += 1
        one.started_at = time.monotonic()
        write_text(self.folder / f"{one.name}.pid", f"{one.process.pid}\n")

    def watch(self) -> list[str]:
        """Start again what has died; returns a sentence for each death."""
        news = []
        for one in self.kept:
            if one.process is None or one.process.poll() is None:
                continue
            now = time.monotonic()
            if one.wait_until <= one.started_at:
                lived = now - one.started_at
                pause = 0.5 if lived > BACK_OFF_SECONDS_MAX else min(0.5 * 2**one.starts, BACK_OFF_SECONDS_MAX)
                one.wait_until = now + pause
                code = one.process.returncode
                news.append(f"{one.name} ended with {code}; it starts again in {pause:.0f} s (see {one.log}).")
            if now >= one.wait_until:
                self._start(one)
        return news

    def end(self) -> None:
        """Ask every process to end, wait, and kill what does not."""
        running = [one.process for one in reversed(self.kept) if one.process is not None]
        for process in running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        limit = time.monotonic() + GRACE_SECONDS
        for process in running:
            try:
                process.wait(timeout=max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for one in self.kept:
            (self.folder / f"{one.name}.pid").unlink(missing_ok=True)


def _die_with_parent() -> None:
    """Let the kernel end a process whose keeper was killed, so that no port stays taken."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
