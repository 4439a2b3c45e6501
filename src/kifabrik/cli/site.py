"""`kifabrik site`: the agent of a site, for a login node or for this machine."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from kifabrik.cli.terminal import explain_errors, print_json, say
from kifabrik.core.errors import InvalidInput, Unavailable

app = typer.Typer(no_args_is_help=True, help="Look after the runs of a site.")


@app.callback()
def describe() -> None:
    """Look after the runs of a site."""


@app.command()
def agent(
    portal: Annotated[str, typer.Option(help="address of the portal", envvar="KIFABRIK_PORTAL")],
    home: Annotated[Path, typer.Option(help="folder for datasets, run folders and job states")] = Path("site"),
    token_file: Annotated[
        Path | None, typer.Option(help="0600 file with the site's secret; default: token in the home folder")
    ] = None,
    devices: Annotated[int, typer.Option(help="how many jobs' devices this machine has", min=1)] = 1,
    once: Annotated[bool, typer.Option("--once", help="do one round and end")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="do one round that changes nothing: say each command and each report")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="with --once or --dry-run: print one JSON document")] = False,
    allow_plain_http: Annotated[
        bool, typer.Option(help="let the secret travel unencrypted: test networks only")
    ] = False,
) -> None:
    """Pull what the portal wants of this site, run it, report it. Outbound connections only; may be killed any time.

    With a site.yaml in the home folder jobs run on that cluster, else on this machine. The secret comes from
    KIFABRIK_SITE_TOKEN or from a file that only its owner can read.
    """
    with explain_errors():
        from kifabrik.site.assembly import build_agent  # psutil, httpx and pydantic only where they are needed
        from kifabrik.site.client import PortalClient

        path = token_file or home / "token"
        secret = read_secret(path)
        log_to_stderr()
        if dry_run:
            _rehearse(portal, secret, home=home, devices=devices, json=json, allow_plain_http=allow_plain_http)
            return
        with (
            PortalClient(portal, secret, allow_plain_http=allow_plain_http) as client,
            build_agent(
                client, home=home, devices=devices, renew_token=lambda: client.use_token(read_secret(path))
            ) as one,
        ):
            if once:
                report = one.step()
                if json:
                    print_json({"runs": report.runs, "alive": report.alive, "deeds": report.deeds,
                        "troubles": report.troubles})  # fmt: skip
                if report.troubles:
                    raise Unavailable(report.troubles[0], remedy="The next round tries again.")
                return
            say(f"The site agent works for {client.url} in {home}. Ctrl-C ends it; jobs go on.")
            one.loop(_stop_on_signals())


def _rehearse(portal: str, secret: str, *, home: Path, devices: int, json: bool, allow_plain_http: bool) -> None:
    from kifabrik.site.assembly import build_agent  # psutil, httpx and pydantic only where they are needed
    from kifabrik.site.rehearsal import RehearsalClient

    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        say(f"would do: {text}")

    with RehearsalClient(portal, secret, say=tell, allow_plain_http=allow_plain_http) as client:
        report = build_agent(client, home=home, devices=devices, say=tell).step()
    if json:
        print_json({"would_do": said, "troubles": report.troubles})
    elif not said:
        say("Nothing is to be done.")
    if report.troubles:
        raise Unavailable(report.troubles[0], remedy="Run 'kifabrik site doctor'.")


def read_secret(path: Path) -> str:
    """Read the secret from the environment, or from a file; raises InvalidInput if others could read the file."""
    secret = os.environ.get("KIFABRIK_SITE_TOKEN", "").strip()
    if secret:
        return secret
    try:
        if path.stat().st_mode & 0o077:
            raise InvalidInput("others can read this secret.", where=str(path), remedy=f"Run: chmod 600 {path}")
        secret = path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        remedy = "Set KIFABRIK_SITE_TOKEN, or keep the token in a file of mode 0600 and name it with --token-file."
        raise InvalidInput("the site has no secret.", where=str(path), remedy=remedy) from error
    if not secret:
        raise InvalidInput("this file is empty.", where=str(path), remedy="Ask the portal for a new site token.")
    return secret


def log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    log = logging.getLogger("kifabrik.site")
    log.handlers = [handler]
    log.setLevel(logging.INFO)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    return stop
