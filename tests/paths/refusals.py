"""How bad input is tried: a command runs, and what it said and left behind is judged by the same rules everywhere.

The rules: one sentence on standard error, no traceback, an exit code that is not zero, and on standard output nothing
or one JSON document.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from kifabrik.cli.main import app


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a person was told."""

    code: int
    sentence: str
    document: object = None


def refuse(*words: str | Path, entered: str = "") -> Refusal:
    """Run a command in this process, as fast as can be; `entered` is what a person types when asked."""
    result = CliRunner().invoke(app, [str(word) for word in words], input=entered)
    assert isinstance(result.exception, SystemExit), result.exception
    heard = result.stderr
    for asked in ("Password:", "Repeat for confirmation:"):  # a terminal ends the line of a hidden answer
        heard = heard.replace(asked, f"{asked}\n")
    return judge(result.exit_code, result.stdout.strip(), heard)


def refuse_apart(*words: str | Path, environment: Mapping[str, str] | None = None, shell: str = "") -> Refusal:
    """Run a command in a process of its own; `shell` is what a shell does before, such as `ulimit -f 100`."""
    process = start(*words, environment=environment, shell=shell)
    stdout, stderr = process.communicate(timeout=60)
    return judge(process.returncode, stdout, stderr)


def start(*words: str | Path, environment: Mapping[str, str] | None = None, shell: str = "") -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    command = [sys.executable, "-m", "kifabrik", *map(str, words)]
    if shell:
        command = ["bash", "-c", f'{shell}; exec "$0" "$@"', *command]
    return subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores Ctrl-C and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - tests have one thread
    )


def judge(code: int, stdout: str, stderr: str) -> Refusal:
    """Hold what was said against the rules."""
    said = stdout + stderr
    assert code != 0, said
    assert "Traceback" not in said, said
    assert "unforeseen" not in said, said
    sentences = [line for line in stderr.splitlines() if line.startswith(("Error: ", "Not genuine: "))]
    assert len(sentences) == 1, said
    assert sentences[0].endswith((".", "?")), sentences[0]
    return Refusal(code, sentences[0], json.loads(stdout) if stdout else None)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Read everything below a folder, to see later that nothing was changed or added."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def names(folder: Path, *, apart_from: Sequence[str] = ()) -> list[str]:
    """List what lies in a folder, hidden things too."""
    return sorted(path.name for path in folder.iterdir() if path.name not in apart_from)
