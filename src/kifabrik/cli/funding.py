"""`kifabrik call` and `kifabrik proposal`: see what can be applied for, and apply from a file. Knows no rule."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kifabrik.cli.login import connect
from kifabrik.cli.terminal import console, explain_errors, print_findings, print_json, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding
from kifabrik.core.quantities import hours_from_seconds

if TYPE_CHECKING:
    from kifabrik.site.client import PortalClient

FILE_BYTES_MAX = 1_000_000
_GIVE_FILE = "Give the YAML file of a proposal; its sections are those of the form."

call = typer.Typer(no_args_is_help=True, help="See the calls for proposals.")
proposal = typer.Typer(no_args_is_help=True, help="Apply for computing time.")


@call.callback()
def describe_call() -> None:
    """See the calls for proposals."""


@proposal.callback()
def describe_proposal() -> None:
    """Apply for computing time."""


@call.command("list")
def list_calls(
    as_json: Annotated[bool, typer.Option("--json", help="print the calls as one JSON document")] = False,
) -> None:
    """List the calls that you can apply to."""
    with explain_errors():
        with connect() as portal:
            rows = list(portal.list("/calls"))
        if as_json:
            print_json(rows)
            return
        if not rows:
            say("No call is open now.")
            return
        table = Table("code", "title", "state", "access mode", "systems", "closes")
        for row in rows:
            closes = (row["closes_at"] or "permanently open")[:16].replace("T", " ")
            table.add_row(row["id"], row["title_en"], row["state"], row["mode"], ", ".join(row["system_codes"]), closes)
        console.print(table)
        say("Apply with: kifabrik proposal submit FILE --call CODE")


@proposal.command()
def submit(
    file: Annotated[Path, typer.Argument(help="YAML or JSON file with the sections of the form")],
    call: Annotated[str, typer.Option(help="code of the call; else 'call' in the file")] = "",
    organisation: Annotated[str, typer.Option(help="id of the organisation; else 'organisation_id' in the file")] = "",
    draft: Annotated[bool, typer.Option("--draft", help="keep it as a draft, to be finished on the page")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the proposal as one JSON document")] = False,
) -> None:
    """Submit a proposal from a file; the rules of the call are checked at once. Exit code 2 if it is not eligible."""
    with explain_errors():
        answers = read_file(file)
        call_code = call or str(answers.pop("call", ""))
        owner = organisation or str(answers.pop("organisation_id", ""))
        if not call_code:
            raise InvalidInput("it is not said to which call.", where=str(file), remedy="Name one with --call CODE.")
        with connect() as portal:
            owner = owner or find_organisation(portal)
            body = {"call": call_code, "organisation": owner, "answers": answers}
            made = portal.post("/proposals", body)
            if not draft:
                made = _submit(portal, made)
        _show(made)
        if as_json:
            print_json(made)
    if made["state"] == "ineligible":
        raise typer.Exit(InvalidInput.exit_code)


def read_file(path: Path) -> dict[str, Any]:
    """Read the sections of a proposal; raises InvalidInput that names the file and, for broken YAML, the line."""
    import yaml  # takes its time

    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput("is larger than 1 MB; a proposal is a short YAML file.", where=str(path))
        answers = yaml.load(path.read_text(encoding="utf-8"), Loader=_plain_loader())  # noqa: S506  # a SafeLoader
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput("there is no such file.", where=str(path), remedy=_GIVE_FILE) from error
    except IsADirectoryError as error:
        raise InvalidInput("is a folder.", where=str(path), remedy=_GIVE_FILE) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"is not UTF-8 text (byte {error.start}).", where=str(path), remedy=_GIVE_FILE) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it holds characters that no text has"
        raise InvalidInput(f"is not valid YAML: {problem}.", where=f"{path}{line}", remedy=_GIVE_FILE) from error
    except RecursionError as error:
        raise InvalidInput("is nested too deeply to be a proposal.", where=str(path), remedy=_GIVE_FILE) from error
    if not isinstance(answers, dict):
        raise InvalidInput("has no sections such as 'organisation:' and 'team:'.", where=str(path), remedy=_GIVE_FILE)
    return answers


def find_organisation(portal: "PortalClient") -> str:
    """Name one's organisation if there is just one; raises InvalidInput that lists several."""
    mine = portal.get("/me")["organisations"]
    if len(mine) != 1:
        names = ", ".join(f"{row['organisation']} ({row['legal_name']})" for row in mine) or "none"
        raise InvalidInput(
            f"it is not clear for which organisation you apply; yours are: {names}.",
            remedy="Name one with --organisation ID." if mine else "Ask a manager of one to add you.",
        )
    return str(mine[0]["organisation"])


def _plain_loader() -> Any:
    """A safe YAML loader that leaves days as text, because JSON carries them as text."""
    import yaml  # takes its time

    class PlainLoader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            letter: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
            for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return PlainLoader


def _submit(portal: "PortalClient", made: dict[str, Any]) -> dict[str, Any]:
    """Submit a draft; if a field is missing, the draft stays and the message says where."""
    try:
        submitted: dict[str, Any] = portal.post(f"/proposals/{made['id']}/submit")
    except InvalidInput as error:
        remedy = f"{error.remedy} The draft is kept: {portal.url}/proposals/{made['id']}/edit/".strip()
        raise InvalidInput(error.message, where=error.where, remedy=remedy, code=error.code) from error
    return submitted


def _show(made: dict[str, Any]) -> None:
    asked = (made["answers"].get("resources") or {}).get("gpu_hours")
    say(f"{made['title'] or 'Proposal'} ({made['id']}) is {made['state'].replace('_', ' ')}; asked for: {asked} h.")
    for check in made["checks"]:
        if check["accepted_gpu_seconds"]:
            say(f"The site accepts {hours_from_seconds(check['accepted_gpu_seconds']):g} h.")
        print_findings(
            Finding.from_dict(
                {key: row[key] for key in ("code", "severity", "message", "where", "remedy", "reference")}
            )
            for row in check["findings"]
        )
    if made["state"] == "submitted" and made["working_days_promised"] is not None:
        say(f"The mode promises a decision within {made['working_days_promised']} working days.")
