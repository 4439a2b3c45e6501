"""A worker that dies of some jobs, as one does when the system runs out of memory."""

import os
import signal
import sys

if __name__ == "__main__":
    for line in sys.stdin.buffer:
        if line.strip() == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdout.write('{"done": true}\n')
        sys.stdout.flush()
