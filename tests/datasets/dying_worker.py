"""A worker that dies of some jobs, as one does when the system runs out of memory."""

import os
import signal
import socket
import sys
from pathlib import Path

from kifabrik.datasets.pipeline.foreman import lead


def work(_place: Path) -> None:
    for line in sys.stdin.buffer:
        if line.strip() == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(1, b'{"done": true}\n')


def main(handle: int) -> None:
    lead(socket.socket(fileno=handle), work)
