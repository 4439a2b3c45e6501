"""The foreman of the workers: one process that gets ready once and then forks each worker, so that imports, rules and
models are loaded once a check. Knows two pipes a worker and a line to its keeper, no job.

The keeper hires with a message that carries two pipes, and asks how a worker ended. When it hangs up or is gone, the
foreman ends all workers and itself.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_MESSAGE_BYTES = 8192
_NUMBER_BYTES = 4
Work = Callable[[Path], None]  # does jobs in a work folder until the standard input ends


def lead(line: socket.socket, work: Work) -> None:
    """Fork workers and tell how they ended until the keeper hangs up."""
    team: dict[int, int] = {}
    try:
        while message := _receive(line):
            words, pipes = message
            number = int.from_bytes(words[:_NUMBER_BYTES], "big")
            if pipes:
                team[number] = _fork(line, pipes, work, Path(os.fsdecode(words[_NUMBER_BYTES:])))
            else:
                code = os.waitstatus_to_exitcode(os.waitpid(team.pop(number), 0)[1])
                line.send(code.to_bytes(_NUMBER_BYTES, "big", signed=True))
    finally:
        for process in team.values():
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _receive(line: socket.socket) -> tuple[bytes, list[int]] | None:
    try:
        message, pipes, _, _ = socket.recv_fds(line, _MESSAGE_BYTES, 2)
    except ConnectionError:
        return None
    return (message, pipes) if message else None


def _fork(line: socket.socket, pipes: list[int], work: Work, place: Path) -> int:
    process = os.fork()
    if process:
        for pipe in pipes:
            os.close(pipe)
        return process
    try:
        line.close()
        for standard, pipe in enumerate(pipes):
            os.dup2(pipe, standard)
            os.close(pipe)
        work(place)
    finally:
        os._exit(1)


@dataclass(slots=True)
class Foreman:
    """The keeper's side of the line."""

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    hired: int = field(default=0)

    @classmethod
    def start(cls, module: str, environment: Mapping[str, str]) -> "Foreman":
        """Start the program `module`, which gets ready while the keeper does something else."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the keeper, which ends its workers
            )
        return cls(process, ours)

    def hire(self, place: Path) -> tuple[int, int, int]:
        """Have a worker forked; gives its number, the pipe of its jobs and that of its answers. Raises OSError."""
        theirs, jobs = os.pipe()
        answers, their_answers = os.pipe()
        self.hired += 1
        number = self.hired.to_bytes(_NUMBER_BYTES, "big")
        try:
            socket.send_fds(self.line, [number + os.fsencode(place)], [theirs, their_answers])
        except OSError:
            os.close(jobs)
            os.close(answers)
            raise
        finally:
            os.close(theirs)
            os.close(their_answers)
        return self.hired, jobs, answers

    def ask(self, number: int) -> int | None:
        """Ask how a worker that is gone has ended: its exit code, less than 0 for a signal; None if nobody knows."""
        with suppress(OSError):
            self.line.send(number.to_bytes(_NUMBER_BYTES, "big"))
            if answer := self.line.recv(_MESSAGE_BYTES):
                return int.from_bytes(answer, "big", signed=True)
        return None

    def end(self) -> None:
        """Hang up and wait until all workers and the foreman are gone."""
        self.line.close()
        self.process.wait()
