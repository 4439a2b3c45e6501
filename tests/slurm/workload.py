"""A small piece of work for tests: counts in a file, saves and stops with 75 when asked, goes on where it stopped.

python -m tests.slurm.workload [UNTIL]
"""

import os
import sys
import time
from pathlib import Path

SAVED = 75


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main() -> int:
    """Count, one each 20 ms."""
    counter, stop = Path("count"), Path(os.environ["KIFABRIK_STOP_FILE"])
    number = int(counter.read_text()) if counter.exists() else 0
    say(f"begins at {number}")
    while not Path("enough").exists():
        if stop.exists():
            say(f"saved at {number}")
            return SAVED
        number += 1
        counter.write_text(str(number))
        time.sleep(0.02)
    say(f"done at {number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
