"""Keeps the processes of one machine running side by side and ends them together. Knows commands, not what they do."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kifabrik.core.files import write_text

GRACE_SECONDS = 8
BACK_OFF_SECONDS_MAX = 30
WATCH_SECONDS = 0.3


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
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def add(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process and keep it; its output goes to `<folder>/<name>.log`, its id to `<folder>/<name>.pid`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        one = Kept(name=name, command=command, environment=environment, log=self.folder / f"{name}.log")
        self.kept.append(one)
        self._start(one)

    def _start(self, one: Kept) -> None:
        # Tied to this process, so that nothing keeps a port when it is killed.
        with one.log.open("ab") as log:
            one.process = subprocess.Popen(
                [sys.executable, "-m", "kifabrik.cli.tied", str(os.getpid()), *one.command],
                env={**os.environ, **one.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others in order
            )
        one.starts += 1
        one.started_at = time.monotonic()
        write_text(self.folder / f"{one.name}.pid", f"{one.process.pid}\n")

    def watch_in_background(self, tell: Callable[[str], None]) -> None:
        """Watch until the end in a thread; `tell` hears a sentence for each death."""
        # The thread lives as long as the keeper does: the kernel ties a process to the thread that started it.
        self._thread = threading.Thread(target=self._keep_watching, args=(tell,), daemon=True)
        self._thread.start()

    def _keep_watching(self, tell: Callable[[str], None]) -> None:
        while not self._ending.wait(WATCH_SECONDS):
            for sentence in self.watch():
                tell(sentence)

    def watch(self) -> list[str]:
        """Start again what has died; returns a sentence for each death."""
        with self._lock:
            return [] if self._ending.is_set() else self._start_the_dead()

    def _start_the_dead(self) -> list[str]:
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
        self._ending.set()
        with self._lock:
            self._end_all()
        if self._thread is not None:
            self._thread.join()

    def _end_all(self) -> None:
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
