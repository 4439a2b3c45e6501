"""`kifabrik site`: the agent of a site, for a login node or for this machine."""

import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from kifabrik.cli.terminal import explain_errors, print_findings, print_json, say
from kifabrik.core.errors import Conflict, InvalidInput, Unavailable
from kifabrik.core.findings import has_blocking

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
        log_to_stderr(logging.WARNING if dry_run else logging.INFO)
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


@app.command()
def install(
    portal: Annotated[str, typer.Option(help="address of the portal", envvar="KIFABRIK_PORTAL")],
    home: Annotated[Path, typer.Option(help="folder for datasets, run folders and job states")] = Path("site"),
    partition: Annotated[str, typer.Option(help="partition for runs; default: the one with most accelerators")] = "",
    user: Annotated[bool, typer.Option("--user/--system", help="a service of this user, or of the machine")] = True,
    service_user: Annotated[str, typer.Option(help="with --system: who runs the agent; default: you")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="write over files of another text; keeps them")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the files and write none")] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Write a systemd service and a commented profile of this cluster, from what Slurm says of itself."""
    with explain_errors():
        from kifabrik.cluster.slurm.commands import Slurm  # httpx and pydantic only where they are needed
        from kifabrik.site import installation
        from kifabrik.site.assembly import PROFILE, own_user, state_folder

        home = home.absolute()
        texts = {
            home / PROFILE: installation.profile_text(installation.look_around(Slurm(), partition=partition)),
            _unit_path(for_user=user): installation.unit_text(
                python=sys.executable, portal=portal, home=home, state=state_folder(),
                environment=installation.find_environment(), is_for_user=user,
                user=service_user or own_user(),
            ),
        }  # fmt: skip
        if not dry_run:
            for folder in (home, state_folder()):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        done = [
            installation.Written(path, "would write", text)
            if dry_run
            else installation.write_new(path, text, replace=replace)
            for path, text in texts.items()
        ]
        if json:
            print_json({"files": [{"path": str(one.path), "deed": one.deed, "text": one.text} for one in done]})
        for one in done:
            say(f"{one.deed}: {one.path}" + (f"\n{one.text}" if dry_run and not json else ""))
        kept = [str(one.path) for one in done if one.deed == "kept"]
        if kept:
            remedy = "Compare with --dry-run, then use --replace; the old file stays beside it as .old."
            raise Conflict("is there already with another text and was left as it is.", where=kept[0], remedy=remedy)
        if not dry_run:
            _say_next_steps(home, for_user=user)


@app.command()
def doctor(
    portal: Annotated[str, typer.Option(help="address of the portal", envvar="KIFABRIK_PORTAL")],
    home: Annotated[Path, typer.Option(help="the agent's home folder")] = Path("site"),
    token_file: Annotated[Path | None, typer.Option(help="file with the site's secret; default: in the home")] = None,
    site: Annotated[str, typer.Option(help="code of the site that the token must belong to")] = "",
    with_job: Annotated[bool, typer.Option("--with-job", help="run a short job on a compute node too")] = False,
    json: Annotated[bool, typer.Option("--json", help="print the findings as one JSON document")] = False,
    allow_plain_http: Annotated[bool, typer.Option(help="let the secret travel unencrypted")] = False,
) -> None:
    """Check everything that an operator may forget: Slurm, accounting, disk, clock, token, service. Changes nothing.

    Ends with 1 if something keeps the site from working.
    """
    with explain_errors():
        from kifabrik.cluster.slurm.commands import Slurm  # httpx and pydantic only where they are needed
        from kifabrik.site.assembly import own_user, read_site
        from kifabrik.site.client import PortalClient
        from kifabrik.site.doctor import examine

        home = home.absolute()
        secret = read_secret(token_file or home / "token")
        with PortalClient(portal, secret, allow_plain_http=allow_plain_http, tries=1) as client:
            findings = examine(
                read_site(home), home=home, user=own_user(), slurm=Slurm(), client=client,
                now=lambda: datetime.now(UTC), site_code=site, with_job=with_job,
            )  # fmt: skip
        if json:
            print_json({"findings": [finding.as_dict() for finding in findings]})
        else:
            print_findings(findings)
        if has_blocking(findings):
            raise typer.Exit(1)


def _unit_path(*, for_user: bool) -> Path:
    from kifabrik.site.doctor import UNIT  # httpx only where it is needed

    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "systemd" / "user" / UNIT if for_user else Path("/etc/systemd/system") / UNIT


def _say_next_steps(home: Path, *, for_user: bool) -> None:
    systemctl = "systemctl --user" if for_user else "systemctl"
    say(f"Next: put the site's token into {home / 'token'} (mode 0600), look at the profile, then run")
    say(f"  kifabrik site doctor --home {home}")
    say(f"  kifabrik site agent --dry-run --home {home}")
    say(f"  {systemctl} daemon-reload && {systemctl} enable --now kifabrik-site")
    if for_user:
        say("  loginctl enable-linger   # so that it runs when nobody is signed in; once, some sites want an operator")


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


def log_to_stderr(level: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    log = logging.getLogger("kifabrik.site")
    log.handlers = [handler]
    log.setLevel(level)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    return stop
