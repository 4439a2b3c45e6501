"""Times the demo's walk in an empty home and samples the memory of all its processes.

    .venv/bin/python benchmarks/demo_walk.py [--port 8750]

The install is not counted. The two figures to hold on two cores: under 6 minutes, under 4 GB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import psutil


def sum_memory(root: psutil.Process) -> int:
    """Add up the proportional memory of a process and all that it started, in bytes."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, AttributeError):
            continue
    return total


def main() -> None:
    """Run the walk once and print its seconds and its peak memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8750)
    port = parser.parse_args().port
    with tempfile.TemporaryDirectory(prefix="kifabrik-demo-") as home:
        begun = time.monotonic()
        command = [sys.executable, "-m", "kifabrik", "demo", "--once", "--port", str(port)]
        walk = subprocess.Popen(command, env={**os.environ, "KIFABRIK_HOME": home})
        root, peak_bytes = psutil.Process(walk.pid), 0
        while walk.poll() is None:
            peak_bytes = max(peak_bytes, sum_memory(root))
            time.sleep(0.5)
        seconds = time.monotonic() - begun
    print(f"exit code {walk.returncode}, {seconds:.0f} s, peak {peak_bytes / 1e9:.2f} GB in all processes")


if __name__ == "__main__":
    main()
