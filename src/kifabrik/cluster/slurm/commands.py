"""The only place that starts Slurm's commands. Knows how they fail, not what they are asked.

Argument lists, never a shell; a clean environment, so that no variable of whoever calls changes an answer or reaches a
job; moments in seconds since 1970, so that no time zone matters. A command that changes something goes through `write`,
which a dry run prints and leaves out.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile

from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError, NotFound, Unavailable

TIMEOUT_SECONDS = 90.0  # longer than Slurm's own patience with a controller that is away

_OURS_OR_TUNING = re.compile(r"^(KIFABRIK|SBATCH|SRUN|SALLOC|SQUEUE|SACCT|SCANCEL|SINFO|SLURM|SLURMD|SSHARE|SCONTROL)_")
_SILENT = re.compile(
    "Unable to contact slurm controller|Connection refused|Connection timed out|Socket timed out|Unable to connect"
    "|Problem talking to the database|Sending PersistInit msg|authentication error|Unable to establish control"
    "|Zero Bytes were transmitted|Unexpected message received|Error connecting|temporarily unavailable|not responding"
    "|Slurm backup controller in standby|Unable to resolve|controller is not|Transport endpoint"
    "|Resource temporarily|Connection reset|in standby mode|Message receive failure|Couldn't get shares",
    re.IGNORECASE,
)
_FULL = re.compile(r"\b((?:Assoc|QOS)\w*Submit\w*Limit\w*)|(Slurm temporarily unable to accept job)", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:\w+: )?(?:error: |fatal: )?(?:Batch job submission failed: )?")
_GENERIC = ("Batch job submission failed", "Job violates accounting/QOS policy")


class Slurm:
    """Starts Slurm's commands; `environment` is added to this process's own, for instance with SLURM_CONF."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        dry_run: Callable[[str], None] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._environment = make_environment({**os.environ, **(environment or {})})
        self._reading = {**self._environment, "SLURM_TIME_FORMAT": "%s", "TZ": "UTC"}
        self._dry_run = dry_run
        self._timeout_seconds = timeout_seconds
        self._version: tuple[int, int] | None = None
        self._fields: frozenset[str] | None = None

    @property
    def is_dry(self) -> bool:
        """Say whether changes are only printed."""
        return self._dry_run is not None

    def read(self, program: str, *options: str, known_failures: str = "") -> list[str]:
        """Give the lines of an answer; a failure whose words match `known_failures` counts as no answer at all.

        Raises Unavailable when controller or accounting is away, else InvalidInput with what the command said.
        """
        done = self._run((program, *options), self._reading)
        if done.returncode != 0 and not (known_failures and re.search(known_failures, done.stderr)):
            raise explain(program, done.stderr or done.stdout)
        return done.stdout.splitlines()

    def stream(self, program: str, *options: str) -> Iterator[str]:
        """Give the lines of a long answer as they come; raises as `read` does, at the end too."""
        with TemporaryFile("w+", encoding="utf-8", errors="replace") as words:  # a pipe could fill up and block both
            process = subprocess.Popen(
                [program, *options],
                env=self._reading,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
                encoding="utf-8",
                errors="replace",
            )
            with process:
                try:
                    yield from (line.rstrip("\n") for line in process.stdout or ())
                except GeneratorExit:  # whoever reads has enough
                    process.kill()
                    raise
            if process.returncode != 0:
                words.seek(0)
                raise explain(program, words.read(10_000))

    def write(
        self, program: str, *options: str, folder: Path | None = None, keep_open: Collection[int] = ()
    ) -> str | None:
        """Change something and give the answer; None in a dry run, which prints the command and leaves it out.

        The files of `keep_open` stay open in the command, so that a lock is held as long as it runs, even without us.
        """
        words = (program, *options)
        if self._dry_run is not None:
            self._dry_run(shlex.join(words))
            return None
        done = self._run(words, self._environment, folder=folder, keep_open=keep_open)
        if done.returncode != 0:
            raise explain(program, done.stderr or done.stdout)
        return done.stdout

    def version(self) -> tuple[int, int]:
        """Say the release, for instance (22, 5); raises Unavailable where there is no Slurm."""
        if self._version is None:
            text = " ".join(self.read("sinfo", "--version"))
            match = re.search(r"(\d+)\.(\d+)", text)
            if match is None:
                raise Unavailable(f"sinfo's version cannot be read: {text[:80]!r}.", code="strange-answer")
            self._version = int(match[1]), int(match[2])
        return self._version

    def sacct_fields(self) -> frozenset[str]:
        """Name the fields that this release's sacct knows."""
        if self._fields is None:
            self._fields = frozenset(" ".join(self.read("sacct", "--helpformat")).split())
        return self._fields

    def configuration(self) -> dict[str, str]:
        """Read the controller's own settings by their names."""
        pairs = (line.split("=", 1) for line in self.read("scontrol", "show", "config") if "=" in line)
        return {name.strip(): value.strip() for name, value in pairs}

    def _run(
        self,
        words: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        keep_open: Collection[int] = (),
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                words,
                env=environment,
                cwd=folder,
                pass_fds=tuple(keep_open),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=self._timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{words[0]} did not answer within {self._timeout_seconds:.0f} seconds."
            raise Unavailable(message, code="scheduler-silent") from error
        except FileNotFoundError as error:
            if folder is not None and not folder.is_dir():
                raise Unavailable("there is no such folder.", where=str(folder), code="disk") from error
            remedy = "Install Slurm's commands on this machine, or put them on the PATH."
            raise Unavailable(f"the command {words[0]} is not here.", remedy=remedy, code="no-slurm") from error
        except (OSError, ValueError) as error:  # too long a list, or a zero byte in a word
            raise InvalidInput(f"{words[0]} cannot be started: {error}.", where=shlex.join(words)[:120]) from error


def make_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Take out what is Kifabrik's own, which no job may see, and what would quietly change Slurm's commands."""
    return {name: value for name, value in values.items() if name == "SLURM_CONF" or not _OURS_OR_TUNING.match(name)}


def explain(program: str, said: str) -> KifabrikError:
    """Turn what a failing command said into the error of its kind, in Slurm's own sentence.

    Unavailable: try again later. Conflict: the queue takes nothing now. NotFound: no such job. InvalidInput: the rest.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if _SILENT.search(said):
        message = f"Slurm does not answer {program}: {_sentence(lines)}."
        return Unavailable(message, remedy="It is tried again.", code="scheduler-silent")
    full = _FULL.search(said)
    if full:
        message = f"Slurm takes no more jobs of this account now: {full[1] or full[2]}."
        return Unavailable(message, remedy="It is tried again.", code="queue-full")
    if "Invalid job id" in said:
        return NotFound("Slurm knows no such job.", where=program)
    if "Job is pending execution" in said or "already completing" in said:
        return Conflict(f"Slurm cannot do this now: {_sentence(lines)}.", where=program)
    return InvalidInput(f"Slurm refused: {_sentence(lines) or 'it gave no reason'}.", where=program)


def _sentence(lines: list[str]) -> str:
    """Say each thing once, the particular before the general, without the names of commands."""
    plain = [_PREFIX.sub("", line).rstrip(".") for line in lines]
    particular = [line for line in dict.fromkeys(plain) if line and not line.startswith(_GENERIC)]
    chosen = particular or plain
    return "; ".join(chosen[-3:])[:300]
