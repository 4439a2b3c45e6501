"""The foreman of the workers: one process that gets ready once and then forks each worker, so that imports, rules and
models are loaded once a check. Knows two pipes a worker and a line to its keeper, no job. Started as
`python -m kifabrik.datasets.pipeline.foreman MODULE HANDLE`, he becomes what `MODULE.main` makes of him.

The keeper hires with a message that carries two pipes, and asks how a worker ended. When it hangs up or is gone, the
foreman ends all workers and itself.
"""

import gc
import importlib
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = struct.Struct("<II")  # number of the worker, bytes of its work folder's name
_CODE = struct.Struct("<i")
Work = Callable[[Path], None]  # does jobs in a work folder until the standard input ends


def lead(line: socket.socket, work: Work) -> None:
    """Fork workers and tell how they ended until the keeper hangs up."""
    team: dict[int, int] = {}
    try:
        while message := _receive(line):
            number, place, pipes = message
            if pipes:
                team[number] = _fork(line, pipes, work, place)
            else:
                line.sendall(_CODE.pack(os.waitstatus_to_exitcode(os.waitpid(team.pop(number), 0)[1])))
    finally:
        for process in team.values():
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _receive(line: socket.socket) -> tuple[int, Path, list[int]] | None:
    """Receive a number, and if a worker is wanted its folder and two pipes; None when the keeper is gone."""
    with suppress(ConnectionError, EOFError):
        kind, pipes, _, _ = socket.recv_fds(line, 1, 2)
        if kind:
            number, size = _HEAD.unpack(_receive_all(line, _HEAD.size))
            return number, Path(os.fsdecode(_receive_all(line, size))), pipes
    return None


def _receive_all(line: socket.socket, size: int) -> bytes:
    data = line.recv(size, socket.MSG_WAITALL) if size else b""
    if len(data) < size:
        raise EOFError
    return data


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
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, module, str(theirs.fileno())],
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
        name = os.fsencode(place)
        try:
            socket.send_fds(self.line, [b"H"], [theirs, their_answers])
            self.line.sendall(_HEAD.pack(self.hired, len(name)) + name)
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
        with suppress(OSError, EOFError):
            self.line.sendall(b"A" + _HEAD.pack(number, 0))
            return int(_CODE.unpack(_receive_all(self.line, _CODE.size))[0])
        return None

    def end(self) -> None:
        """Hang up and wait until all workers and the foreman are gone."""
        self.line.close()
        self.process.wait()


if __name__ == "__main__":
    gc.disable()  # what is imported stays; to look for garbage among it takes a fifth of the time
    importlib.import_module(sys.argv[1]).main(int(sys.argv[2]))
