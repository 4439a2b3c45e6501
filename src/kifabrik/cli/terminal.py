"""How the command line speaks: people's text on standard error, one JSON document on standard output. Knows no noun."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from kifabrik.core.errors import KifabrikError, Refused, Unavailable
from kifabrik.core.files import describe_disk_error
from kifabrik.core.findings import Finding, Severity, sort_by_weight

# A log file gets whole lines, so that the last one is a whole sentence; a terminal gets wrapped ones.
console = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())

_MARKS = {
    Severity.INFO: ("·", "dim"),
    Severity.WARNING: ("!", "yellow"),
    Severity.NOT_CHECKED: ("?", "cyan"),
    Severity.SERIOUS: ("!!", "bold yellow"),
    Severity.BLOCKING: ("✗", "bold red"),
}

_SIGN_IN = "Sign in again with 'kifabrik login'; the agent of a site needs a new token from the page of its site."
_EXTRAS = {
    **dict.fromkeys(("django", "ninja", "csp", "whitenoise", "gunicorn"), "portal"),
    **dict.fromkeys(("torch", "transformers", "peft", "tokenizers", "safetensors", "numpy", "pyarrow"), "workbench"),
    **dict.fromkeys(("orjson", "phonenumbers", "stdnum", "py3langid", "psutil", "fastapi", "uvicorn"), "workbench"),
}


def print_json(value: object) -> None:
    """Write the one JSON document of a command to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_findings(findings: Iterable[Finding]) -> None:
    """Show findings, the heaviest first: mark, place, sentence, and what to do on a line of its own."""
    for finding in sort_by_weight(findings):
        mark, style = _MARKS[finding.severity]
        line = Text(f"{mark:>2} ", style=style)
        if finding.where:
            line.append(f"{finding.where}: ", style="bold")
        line.append(finding.message, style="")
        console.print(line)
        if finding.remedy:
            console.print(Text(f"   → {finding.remedy}", style="dim"))


def say(text: str, *, style: str = "") -> None:
    """Write a line for people."""
    console.print(Text(text, style=style))


@contextmanager
def explain_errors() -> Iterator[None]:
    """End a command with one clear sentence and the exit code of the error; Ctrl-C ends it with 130."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt as error:
        console.print("Stopped.")
        raise typer.Exit(130) from error
    except Exception as error:
        known = _explain(error)
        console.print(Text.assemble(("Error: ", "bold red"), str(known)))
        raise typer.Exit(known.exit_code) from error


def _explain(error: Exception) -> KifabrikError:
    """Put any error into the words of the house; nobody is shown a traceback."""
    if isinstance(error, Refused) and error.code == "not-signed-in":  # the portal speaks to programs, we to people
        return Refused("the token is wrong, revoked or expired.", remedy=_SIGN_IN, code=error.code)
    if isinstance(error, KifabrikError):
        return error
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is not None:
            return Unavailable(f"this command needs pip install 'kifabrik[{extra}]'.")
    if isinstance(error, OSError) and error.filename:
        path = Path(str(error.filename))
        reason = f"cannot be used: {error.strerror or error}."
        other = Unavailable(reason, where=str(path), remedy="Check the path and your rights to it.")
        return describe_disk_error(error, path) or other
    return _explain_unforeseen(error)


def _explain_unforeseen(error: Exception) -> KifabrikError:
    """Keep the details of a fault of ours in a file for whoever mends it."""
    words = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".")
    remedy = "Please report it."
    with suppress(OSError):
        handle, name = tempfile.mkstemp(prefix="kifabrik-failure-", suffix=".txt")
        with os.fdopen(handle, "w") as stream:
            stream.writelines(traceback.format_exception(error))
        remedy = f"Please report it with {name}."
    return KifabrikError(f"an unforeseen error ended the command: {words}.", remedy=remedy, code="unforeseen")


@contextmanager
def progress_bar(*, visible: bool = True) -> Iterator[Progress]:
    """Show bars with the time left; when standard error is no terminal, show none."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (visible and console.is_terminal)) as progress:
        yield progress
