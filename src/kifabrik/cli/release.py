"""`kifabrik release`: verify a release folder offline, list the releases of a portal. Words and exit codes only."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from kifabrik.cli.login import connect
from kifabrik.cli.terminal import console, explain_errors, print_findings, print_json, say
from kifabrik.core.errors import InvalidInput

if TYPE_CHECKING:
    from kifabrik.passport.verification import TrustedKey, VerificationReport

app = typer.Typer(no_args_is_help=True, help="Verify released models and list them.")

NOT_GENUINE_EXIT_CODE = 1


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="the release folder, as it was downloaded")],
    key: Annotated[Path | None, typer.Option(help="public key of the factory that you trust (its .pub file)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")] = False,
) -> None:
    """Check signature, files, formats and papers of a release without a network; exit code 0 only if all is well."""
    with explain_errors():
        from kifabrik.passport.verification import verify as verify_folder  # cryptography takes its time

        report = verify_folder(folder, trusted_keys=read_keys(key))
        if as_json:
            print_json(_as_document(report))
        _explain(report)
    if not report.is_genuine:
        raise typer.Exit(NOT_GENUINE_EXIT_CODE)


@app.command("list")
def list_releases(
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")] = False,
) -> None:
    """List the releases that you may see at the portal."""
    with explain_errors(), connect() as client:
        rows = list(client.list("/releases"))
        if as_json:
            print_json(rows)
            return
        if not rows:
            say("There is no release yet. A succeeded run becomes one on its page at the portal.")
            return
        table = Table("release", "model", "number", "state", "released", box=None)
        for row in rows:
            table.add_row(*(str(row.get(name) or "") for name in ("id", "model", "number", "state", "released_at")))
        console.print(table)


def read_keys(path: Path | None) -> "Sequence[TrustedKey]":
    """Read the public key that a person trusts; raises InvalidInput for a file that holds none."""
    from kifabrik.passport import keys, verification  # see verify

    if path is None:
        return ()
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise InvalidInput("the key cannot be read.", where=str(path), remedy="Give a .pub file.") from error
    keys.load_public(pem, where=str(path))
    return (verification.TrustedKey(pem=pem, owner=str(path)),)


def _explain(report: "VerificationReport") -> None:
    fault = report.first_fault
    if fault is None:
        name = f"{report.model_name} {report.release_version} of {report.organisation}"
        say(f"OK  signature   made with key {report.key_id}", style="green")
        say(f"OK  files       {report.files} files, none changed, missing or unlisted", style="green")
        say("OK  formats     safetensors and text only, every header sound", style="green")
        say(f"OK  papers      {name}: passport, run, data and tests agree", style="green")
    print_findings(report.findings)
    if fault is not None:
        say(f"Not genuine: {fault.where} {fault.message}", style="bold red")


def _as_document(report: "VerificationReport") -> dict[str, object]:
    return {
        "folder": report.folder,
        "genuine": report.is_genuine,
        "first_fault": report.first_fault.as_dict() if report.first_fault else None,
        "model_name": report.model_name,
        "release_version": report.release_version,
        "organisation": report.organisation,
        "key_id": report.key_id,
        "files": report.files,
        "findings": [finding.as_dict() for finding in report.findings],
    }
