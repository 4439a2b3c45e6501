"""`kifabrik release`: verify a release folder offline, make one, list those of a portal. Words and exit codes only."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from kifabrik.cli.login import connect
from kifabrik.cli.terminal import console, explain_errors, print_findings, print_json, say
from kifabrik.core.errors import InvalidInput

if TYPE_CHECKING:
    from kifabrik.passport.verification import TrustedKey, VerificationReport
    from kifabrik.records.evaluation_report import Waiver

app = typer.Typer(no_args_is_help=True, help="Verify released models, make and list them.")

NOT_GENUINE_EXIT_CODE = 1
REASON_LENGTH_MIN = 10
WAIVED_DAYS = 30


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


@app.command()
def make(
    run: Annotated[Path, typer.Argument(help="folder of a finished run")],
    dataset: Annotated[Path, typer.Option(help="the dataset folder it was trained on")],
    out: Annotated[Path, typer.Option(help="release folder to make")],
    name: Annotated[str, typer.Option(help="name of the model; that of the recipe by default")] = "",
    organisation: Annotated[str, typer.Option(help="who releases it")] = "not stated",
    waive: Annotated[list[str] | None, typer.Option(help="a red or missing test that a person answers for")] = None,
    by: Annotated[str, typer.Option(help="the person who answers for waived tests")] = "",
    reason: Annotated[str, typer.Option(help="why waived tests do not matter here")] = "",
    keys: Annotated[Path | None, typer.Option(help="folder of your signing key; made on first use")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the passport on standard output")] = False,
) -> None:
    """Make a signed release from a run that no portal knows; its passport says that no award stands behind it."""
    with explain_errors():
        from kifabrik.passport.keys import ensure_key  # cryptography takes its time
        from kifabrik.workbench.release import make_release  # the records take their time

        key = ensure_key(keys or Path(os.environ.get("KIFABRIK_HOME", "var")).resolve() / "keys")
        passport = make_release(
            run,
            dataset=dataset,
            out=out,
            name=name,
            organisation=organisation,
            waivers=_read_waivers(waive or [], by=by, reason=reason),
            key=key,
            now=datetime.now(UTC),
        )
        if as_json:
            print_json(passport.model_dump(mode="json"))
        say(f"{passport.model_name} lies signed in {out}.")
        say(f"Check it with: kifabrik release verify {out} --key {key.public_path}")


def _read_waivers(tests: Sequence[str], *, by: str, reason: str) -> "Sequence[Waiver]":
    from kifabrik.records.evaluation_report import Waiver  # see make

    if tests and (not by.strip() or len(reason.strip()) < REASON_LENGTH_MIN):
        raise InvalidInput(
            "a waived test needs a named person and a reason.",
            where="--waive",
            remedy=f"Give --by NAME and --reason TEXT of at least {REASON_LENGTH_MIN} characters.",
        )
    until = (datetime.now(UTC).date() + timedelta(days=WAIVED_DAYS)).isoformat()
    return [Waiver(test=test, by=by.strip(), reason=reason.strip(), expires_on=until) for test in tests]


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
