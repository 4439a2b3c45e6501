"""Runs a command against a private PostgreSQL server in a temporary folder, then ends that server and wipes the folder.

Without PostgreSQL's binaries it says so in one loud line and succeeds, except in CI, where it fails.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path


def find_binaries() -> Path | None:
    """Find the newest installed server binaries."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if places:
        return places[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def find_free_port() -> int:
    """Ask the system for a port on loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose_user() -> str | None:
    """PostgreSQL refuses root, so as root the server runs as an ordinary user."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def main(command: list[str]) -> int:
    """Start the server, run the command, end the server; returns the command's exit code."""
    binaries = find_binaries()
    if binaries is None:
        print("*** SKIPPED: PostgreSQL is not installed, so nothing was tested on it (apt-get install postgresql).")
        return 1 if os.environ.get("CI") else 0
    with tempfile.TemporaryDirectory(prefix="kifabrik-postgres-", ignore_cleanup_errors=True) as name:
        folder, port, user = Path(name), find_free_port(), choose_user()
        if user:
            shutil.chown(folder, user)
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
        data = folder / "data"

        def run(*words: str) -> None:
            subprocess.run(words, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        run(f"{binaries}/initdb", "-D", str(data), "-U", "kifabrik", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(f"{binaries}/pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            run(f"{binaries}/createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "kifabrik", "kifabrik")
            address = f"postgresql://kifabrik@127.0.0.1:{port}/kifabrik"
            print(f"PostgreSQL runs on port {port}: {' '.join(command)}", flush=True)
            return subprocess.run(command, env={**os.environ, "KIFABRIK_DATABASE_URL": address}, check=False).returncode
        finally:
            run(f"{binaries}/pg_ctl", "-D", str(data), "-m", "immediate", "stop")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
