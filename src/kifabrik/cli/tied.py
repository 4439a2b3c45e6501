"""Runs a command that ends when the process that started it ends: `python -m kifabrik.cli.tied PARENT COMMAND ...`.

A program of its own, because code between fork and exec is not safe in a process with threads. Linux only; elsewhere
it just runs the command.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(sys.argv[1]):
            sys.exit("The process that wanted this is gone.")  # it ended before the line above
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  # to become what it is given is its purpose
