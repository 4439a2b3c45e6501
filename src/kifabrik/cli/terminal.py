"""How the command line speaks: people's text on standard error, one JSON document on standard output. Knows no noun."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from kifabrik.core.errors import KifabrikError, Unavailable
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
    except KifabrikError as error:
        console.print(Text.assemble(("Error: ", "bold red"), str(error)))
        raise typer.Exit(error.exit_code) from error
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        console.print(Text.assemble(("Error: ", "bold red"), f"this command needs pip install 'kifabrik[{extra}]'."))
        raise typer.Exit(Unavailable.exit_code) from error
    except KeyboardInterrupt as error:
        console.print("Stopped.")
        raise typer.Exit(130) from error


@contextmanager
def progress_bar(*, visible: bool = True) -> Iterator[Progress]:
    """Show bars with the time left; when standard error is no terminal, show none."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (visible and console.is_terminal)) as progress:
        yield progress
