"""Says in one line whether the tests on a real cluster will run: `python -m tests.slurm.installed [--install]`.

With --install it installs Debian's packages if some are missing and this user may; then it fails if they still are.
"""

import os
import subprocess
import sys

from tests.slurm.private_cluster import find_missing

PACKAGES = ("slurm-wlm", "slurmdbd", "munge", "mariadb-server")


def main(arguments: list[str]) -> int:
    """Print the line; returns 1 if Slurm is asked for and cannot be had."""
    is_needed = "--install" in arguments
    if find_missing() and is_needed and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True)
        words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
    if not find_missing():
        return 0
    install = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
    sys.stdout.write(f"*** SKIPPED: Slurm is not installed, so nothing is tested on a real cluster ({install}).\n")
    return 1 if is_needed or os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
