"""A private, real Slurm cluster in one folder: munge, MariaDB, slurmdbd, slurmctld, two slurmd with fake GPUs.

    python -m tests.slurm.private_cluster up FOLDER      # prints what to export
    python -m tests.slurm.private_cluster down FOLDER    # ends it and wipes the folder
    python -m tests.slurm.private_cluster with FOLDER COMMAND ...   # runs a command on it, then stops it

It works as root and as an ordinary user, several of them beside each other. It knows its processes by recorded marks
and ends only those, and the step daemons that hold a socket of this cluster. Knows nothing of Kifabrik's jobs.
"""

import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from tests.slurm import cluster_settings

from kifabrik.cluster.processes import ProcessMark, die_with_parent, is_alive, mark_of

PATIENCE_SECONDS = 20.0
NODES = ("n1", "n2")
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd-n1", "slurmd-n2")
PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "mariadb-admin", "slurmdbd", "slurmctld", "slurmd")
PATH = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"


def find_missing() -> tuple[str, ...]:
    """Name the programs of a cluster that this machine lacks."""
    return tuple(name for name in PROGRAMS if shutil.which(name, path=PATH) is None)


@dataclass(slots=True)
class State:
    """What must be known to reach a cluster again: its name, short socket folder, ports, and its processes."""

    name: str
    sockets: str
    ports: dict[str, int]
    marks: dict[str, ProcessMark] = field(default_factory=dict)


class PrivateCluster:
    """One cluster in `folder`. A `tied` one dies with the process that started it, even when that is killed."""

    def __init__(self, folder: Path, *, tied: bool = False) -> None:
        self.folder = folder.absolute()
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self._tied = tied
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._state = self._read_state()
        self._last_words = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.destroy()

    @property
    def name(self) -> str:
        """The cluster's name in accounting."""
        return self._state.name

    @property
    def environment(self) -> Mapping[str, str]:
        """What a command of Slurm needs in its environment to speak to this cluster."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": PATH}

    def start(self) -> Self:
        """Start what does not run yet, on the state that is there; raises RuntimeError with the tail of a log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        Path(self._state.sockets).mkdir(mode=0o700, exist_ok=True)
        cluster_settings.write(self.folder, self._state.name, self.user, self.sockets, self._state.ports, NODES)
        self._save()
        try:
            for daemon in DAEMONS:
                if not self.is_running(daemon):
                    self._start(daemon)
            self._wait_for_nodes()
        except BaseException:
            self.kill_all()
            raise
        return self

    def stop(self) -> None:
        """End all daemons in order and in peace; the state stays."""
        for daemon in reversed(DAEMONS):
            self._signal(daemon, signal.SIGTERM)
            self._wait_for_end(daemon)

    def kill_all(self) -> None:
        """Kill all daemons, the step daemons and what those run."""
        steps = self._step_processes()
        for daemon in reversed(DAEMONS):
            self._signal(daemon, signal.SIGKILL)
        for process in steps:
            with suppress(psutil.Error):
                process.kill()
        for daemon in DAEMONS:
            self._wait_for_end(daemon)

    def destroy(self) -> None:
        """Kill everything and wipe the folder."""
        self.kill_all()
        for folder in (Path(self._state.sockets), self.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self, daemon: str) -> None:
        """Kill one daemon with SIGKILL and wait until it is gone."""
        self._signal(daemon, signal.SIGKILL)
        self._wait_for_end(daemon)

    def restart(self, daemon: str) -> None:
        """Start one daemon again on its state, ending it in peace first if it runs, and wait until it answers."""
        self._signal(daemon, signal.SIGTERM)
        self._wait_for_end(daemon)
        self._start(daemon)
        if daemon.startswith("slurm"):
            self._wait_for_nodes()

    def is_running(self, daemon: str) -> bool:
        """Say whether a daemon lives; a zombie does not."""
        mark = self._state.marks.get(daemon)
        return mark is not None and is_alive(mark)

    def run(self, *words: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command of Slurm against this cluster; raises RuntimeError with what it said if it fails."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            words, env=environment, cwd=self.folder, input=stdin, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def add_account(self, name: str, *settings: str, parent: str = "root") -> str:
        """Add an account with this user in it, for instance with GrpTRESMins=gres/gpu=10."""
        self.run("sacctmgr", "-iQ", "add", "account", name, f"parent={parent}", *settings)
        self.run("sacctmgr", "-iQ", "add", "user", self.user, f"account={name}")
        return name

    @property
    def sockets(self) -> Path:
        """A short folder, because the path of a unix socket may have 107 bytes only."""
        return Path(self._state.sockets)

    def _start(self, daemon: str) -> None:
        begin = {"mariadbd": self._start_database, "slurmdbd": self._start_accounting, "munged": self._start_munge}
        begin.get(daemon, lambda: self._start_slurm(daemon))()

    def _start_munge(self) -> None:
        etc, socket_path = self.folder / "munge", self.sockets / "munge"
        words = ["munged", "--foreground", "--force", "--num-threads=4", f"--key-file={etc / 'key'}"]
        words += [f"--socket={socket_path}", f"--pid-file={etc / 'pid'}", f"--seed-file={etc / 'seed'}"]
        words += [f"--log-file={self.folder / 'log' / 'munged.own.log'}"]
        self._spawn("munged", words)
        self._wait("munged", lambda: self._answers("munge", "--no-input", f"--socket={socket_path}"))

    def _start_database(self) -> None:
        data, socket_path = self.folder / "mysql", self.sockets / "mysql"
        common = ["--no-defaults", f"--datadir={data}", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M"]
        if self.user == "root":
            common.append("--user=root")
        if not (data / "mysql").exists():
            options = [*common, "--auth-root-authentication-method=normal", "--skip-test-db", "--force"]
            self.run("mariadb-install-db", *options)
        quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--skip-networking", "--skip-log-bin"]
        pid = f"--pid-file={self.folder / 'mysql.pid'}"
        self._spawn("mariadbd", ["mariadbd", *common, *quick, f"--socket={socket_path}", pid])
        ping = ("mariadb-admin", "--no-defaults", f"--socket={socket_path}", "--user=root", "ping")
        self._wait("mariadbd", lambda: self._answers(*ping))

    def _start_accounting(self) -> None:
        self._spawn("slurmdbd", ["slurmdbd", "-D"], {"MYSQL_UNIX_PORT": str(self.sockets / "mysql")})
        self._wait("slurmdbd", lambda: self._answers("sacctmgr", "-nP", "list", "cluster"))
        known = self.run("sacctmgr", "-nP", "list", "cluster", "format=cluster").stdout.split()
        if self.name not in known:  # must be known before slurmctld's first start
            self.run("sacctmgr", "-iQ", "add", "cluster", self.name)
            self._add_qualities()
            self.add_account("spare")

    def _add_qualities(self) -> None:
        """Add a low quality of service that gives way to a high one after a time of grace."""
        for words in (
            ("add", "qos", "low", "priority=1", "gracetime=30", "preemptmode=requeue"),
            ("add", "qos", "high", "priority=1000", "preempt=low"),
            ("modify", "cluster", self.name, "set", "qos=normal,low,high", "defaultqos=normal"),
        ):
            self.run("sacctmgr", "-iQ", *words)

    def _start_slurm(self, daemon: str) -> None:
        program, _, node = daemon.partition("-")
        words = [program, "-D"] + (["-N", node] if node else [])
        self._spawn(daemon, words)
        if program == "slurmctld":
            self._wait(daemon, lambda: "is UP" in self.run("scontrol", "ping", check=False).stdout)

    def _spawn(self, daemon: str, words: Sequence[str], extra: Mapping[str, str] = {}) -> None:
        parent = os.getpid()
        log = (self.folder / "log" / f"{daemon}.log").open("ab")
        with log:
            child = subprocess.Popen(
                words,
                cwd=self.folder,
                env={"HOME": str(self.folder), "LANG": "C.UTF-8", **self.environment, **extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=(lambda: die_with_parent(parent)) if self._tied else None,  # noqa: PLW1509  # no threads yet
            )
        self._children[daemon] = child
        mark = mark_of(child.pid)
        if mark is None:
            raise RuntimeError(f"{daemon} ended at once: {self._tail(daemon)}")
        self._state.marks[daemon] = mark
        self._save()

    def _wait(self, daemon: str, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if not self.is_running(daemon):
                raise RuntimeError(f"{daemon} ended while it started: {self._tail(daemon)}")
            if time.monotonic() > until:
                raise RuntimeError(f"{daemon} does not answer: {self._last_words}{self._tail(daemon)}")
            time.sleep(0.05)

    def _wait_for_nodes(self) -> None:
        """Wait until all nodes whose daemon runs are known to the controller and have registered."""
        if not self.is_running("slurmctld") or not self.is_running("slurmdbd"):
            return
        wanted = {node for node in NODES if self.is_running(f"slurmd-{node}")}

        def are_up() -> bool:
            lines = self.run("sinfo", "-h", "-N", "-o", "%N %T", check=False).stdout.splitlines()
            up = {
                name for name, state in map(str.split, lines) if state in ("idle", "mixed", "allocated", "completing")
            }
            return wanted <= up

        self._wait("slurmctld", are_up)

    def _wait_for_end(self, daemon: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while self.is_running(daemon):
            if time.monotonic() > until:
                raise RuntimeError(f"{daemon} does not end: {self._tail(daemon)}")
            time.sleep(0.02)
        if child := self._children.pop(daemon, None):
            child.wait()
        self._state.marks.pop(daemon, None)

    def _signal(self, daemon: str, number: signal.Signals) -> None:
        if self.is_running(daemon):
            with suppress(ProcessLookupError):
                os.kill(self._state.marks[daemon].pid, number)

    def _step_processes(self) -> list[psutil.Process]:
        """List the step daemons that hold a socket in this cluster's spool, and all below them."""
        inodes = set()
        for line in Path("/proc/net/unix").read_text().splitlines():
            words = line.split(maxsplit=7)
            if len(words) == 8 and words[7].startswith(f"{self.folder}/spool/"):
                inodes.add(f"socket:[{words[6]}]")
        found = []
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "slurmstepd" and not inodes.isdisjoint(_open_files(process.pid)):
                with suppress(psutil.Error):
                    found += [process, *process.children(recursive=True)]
        return found

    def _answers(self, *words: str) -> bool:
        done = self.run(*words, check=False)
        self._last_words = f"{words[0]}: {done.stdout}{done.stderr}"
        return done.returncode == 0

    def _tail(self, daemon: str) -> str:
        text = ""
        for path in sorted((self.folder / "log").glob(f"{daemon}*")):
            text += "\n".join(["", f"--- {path.name}", *path.read_text(errors="replace").splitlines()[-15:]])
        return text

    def _read_state(self) -> State:
        with suppress(FileNotFoundError):
            value = json.loads((self.folder / "cluster.json").read_bytes())
            value["marks"] = {name: ProcessMark(**mark) for name, mark in value["marks"].items()}
            return State(**value)
        sockets = tempfile.mkdtemp(prefix="kf-slurm-", dir="/tmp")
        return State(name=Path(sockets).name.lower().replace("_", "-"), sockets=sockets, ports=choose_ports())

    def _save(self) -> None:
        draft = self.folder / "cluster.json.new"
        draft.write_text(json.dumps(asdict(self._state)))
        draft.replace(self.folder / "cluster.json")


def choose_ports() -> dict[str, int]:
    """Choose free ports below those that the kernel gives to outgoing connections."""
    ports: dict[str, int] = {}
    names = ("slurmctld", "slurmdbd", *NODES)
    while len(ports) < len(names):
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in ports.values():
                ports[names[len(ports)]] = port
    return ports


def _open_files(pid: int) -> set[str]:
    names = set()
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                names.add(os.readlink(entry.path))  # noqa: PTH115  # the link's text, which is no path
    return names


def run_with(cluster: PrivateCluster, command: Sequence[str]) -> int:
    """Run a command that finds the cluster in its environment; the cluster is stopped after it and keeps its state."""
    cluster.start()
    try:
        process = subprocess.Popen(command, env={**os.environ, **cluster.environment})
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # Ctrl-C reaches the command too, which ends in order
                continue
    finally:
        cluster.stop()


def main(arguments: list[str]) -> int:
    """Bring a cluster up or down by hand, or run a command on one."""
    is_with = arguments[:1] == ["with"] and len(arguments) > 2
    if not is_with and (len(arguments) != 2 or arguments[0] not in ("up", "down")):
        sys.stderr.write("Use: python -m tests.slurm.private_cluster up|down FOLDER, or with FOLDER COMMAND ...\n")
        return 2
    cluster = PrivateCluster(Path(arguments[1]))
    if is_with:
        return run_with(cluster, arguments[2:])
    if arguments[0] == "down":
        cluster.destroy()
        return 0
    cluster.start()
    sys.stdout.write(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
