"""`kifabrik portal`: start everything on this machine, make the first people, connect this machine as a site."""

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kifabrik.cli.processes import Keeper
from kifabrik.cli.terminal import explain_errors, say
from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from kifabrik.core.files import write_text
from kifabrik.portal.people.permissions import Role

app = typer.Typer(no_args_is_help=True, help="Start the portal and look after it.")

PORT_MAX = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlan:
    """How a site is registered: `system_code` is a system of the reference data, `unit` what one second counts."""

    code: str
    name: str
    system_code: str
    unit: str
    devices: int


LOCAL_SITE = SitePlan(code="laptop", name="This machine", system_code="laptop", unit="CPU", devices=1)


def read_home() -> Path:
    """Find the folder that holds all state: KIFABRIK_HOME, or `var` here."""
    return Path(os.environ.get("KIFABRIK_HOME", "var")).resolve()


def site_token_file(home: Path) -> Path:
    """Name the 0600 file with the secret of this machine's site agent."""
    return home / "site" / "token"


def start_django() -> None:
    """Load the portal into this process; the environment must be set before."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kifabrik.portal.web.settings")
    os.environ.setdefault("KIFABRIK_COLLECTED_STATIC", "1")
    import django  # only the portal's own commands need Django; a compute node has none

    django.setup()


def prepare() -> None:
    """Bring the database and the static files up to date; both are safe to repeat."""
    from django.conf import settings  # see start_django
    from django.core.management import call_command  # see start_django
    from django.db import DatabaseError, connection  # see start_django

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        database = connection.settings_dict
        raise Unavailable(
            f"the portal's database cannot be used: {' '.join(str(error).split())[:300].rstrip('.')}.",
            where=f"{database['HOST']}/{database['NAME']}" if database["HOST"] else str(database["NAME"]),
            remedy="Check KIFABRIK_DATABASE_URL, KIFABRIK_HOME and the free space of the disk.",
        ) from error
    if settings.STATIC_ROOT:
        call_command("collectstatic", verbosity=0, interactive=False)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="port of the portal")] = 8000,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    agent: Annotated[bool, typer.Option(help="run this machine's site agent, once it is connected")] = True,
    serving: Annotated[bool, typer.Option(help="run the inference server for published releases")] = True,
) -> None:
    """Start the portal, this machine's site agent and the inference server; Ctrl-C ends all."""
    with explain_errors():
        keeper = start_all(host=host, port=port, agent=agent, serving=serving)
        say(f"The portal runs at http://{host}:{port} (logs in {keeper.folder}). Ctrl-C ends it.")
        if agent and not site_token_file(read_home()).exists():
            say("No site agent: connect this machine with 'kifabrik portal connect-local-site --by OPERATOR'.")
        keep_until_stopped(keeper)


@app.command("add-person")
def add_person(
    email: Annotated[str, typer.Option(help="the address to sign in with")],
    name: Annotated[str, typer.Option(help="the name that others see")],
    role: Annotated[list[str], typer.Option(help="a role; may be repeated")],
    site: Annotated[str, typer.Option(help="limits an operator's role to this site")] = "",
) -> None:
    """Make a local account, as the first one needs somebody with the key to the machine; asks for the password."""
    with explain_errors():
        require_known_roles(role)
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        start_django()
        prepare()
        add_account(email=email, name=name, password=password, roles=role, site=site, now=datetime.now(UTC))
        say(f"{name} can sign in as {email}.")


@app.command("connect-local-site")
def connect_local_site(
    by: Annotated[str, typer.Option(help="e-mail address of an operator")],
) -> None:
    """Register this machine as a site and keep its agent's secret in a file of mode 0600."""
    with explain_errors():
        start_django()
        prepare()
        connect_site(LOCAL_SITE, operator_email=by, now=datetime.now(UTC))
        say(f"This machine is the site '{LOCAL_SITE.code}'. 'kifabrik portal up' now runs its agent.")


def require_known_roles(roles: Sequence[str]) -> None:
    """Raise InvalidInput that lists the roles, before anybody types a password for nothing."""
    known = [str(role) for role in Role]
    if unknown := [role for role in roles if role not in known]:
        raise InvalidInput(f"there is no role '{unknown[0]}'.", remedy=f"Known roles: {', '.join(known)}.")


def add_account(*, email: str, name: str, password: str, roles: Sequence[str], site: str, now: datetime) -> None:
    """Make an account and give it its roles; what is there already stays. Raises InvalidInput for an unknown role."""
    from kifabrik.portal.people.models import User  # needs Django to be loaded
    from kifabrik.portal.people.services import accounts  # needs Django to be loaded
    from kifabrik.portal.people.services import roles as role_services  # needs Django to be loaded

    require_known_roles(roles)
    user = User.objects.filter(email=email.lower()).first()
    user = user or accounts.create(by=None, email=email, name=name, password=password, now=now)
    for role in sorted(set(roles) - {Role.VISITOR}):  # everybody is a visitor
        limit = site if role == Role.OPERATOR else ""
        role_services.assign(by=None, user=user, role=Role(role), site_code=limit, now=now)


def connect_site(plan: SitePlan, *, operator_email: str, now: datetime) -> None:
    """Register a site unless it is one, and keep its secret here; raises NotFound for an unknown operator."""
    from kifabrik.portal.compute.services import sites  # needs Django to be loaded
    from kifabrik.portal.people.models import User  # needs Django to be loaded

    operator = User.objects.filter(email=operator_email.lower()).first()
    if operator is None:
        raise NotFound(f"nobody signs in as {operator_email}.", remedy="Use 'kifabrik portal add-person' first.")
    site = sites.register(by=operator, **asdict(plan), now=now)
    path = site_token_file(read_home())
    if not path.exists():
        write_text(path, sites.issue_token(by=operator, site=site, now=now).secret + "\n", mode=0o600)


def start_all(*, host: str, port: int, agent: bool, serving: bool) -> Keeper:
    """Start the processes of this machine; raises Conflict when a port is taken."""
    home = read_home()
    serving_port = port + 1
    require_free_ports(host, port, serving=serving)
    os.environ["KIFABRIK_HOME"] = str(home)
    os.environ.setdefault("KIFABRIK_SERVING_URL", f"http://127.0.0.1:{serving_port}")
    start_django()
    prepare()
    for number in (signal.SIGINT, signal.SIGTERM):  # both end everything in order, also when started in background
        signal.signal(number, signal.default_int_handler)
    keeper = Keeper(home / "processes")
    python = sys.executable
    keeper.add("portal", [python, "-m", "gunicorn", "kifabrik.portal.web.wsgi:application", "--bind", f"{host}:{port}",
        "--workers", "2", "--worker-class", "gthread", "--threads", "8", "--timeout", "120"], {})  # fmt: skip
    if agent and site_token_file(home).exists():
        keeper.add("agent", [python, "-m", "kifabrik", "site", "agent", "--portal", f"http://127.0.0.1:{port}",
            "--home", str(home / "site")], {})  # fmt: skip
    if serving:
        (home / "releases").mkdir(parents=True, exist_ok=True)
        keeper.add("serving", [python, "-m", "kifabrik", "serve", "--watch", str(home / "releases"),
            "--key", str(make_key(home)), "--port", str(serving_port)], {})  # fmt: skip
    keeper.watch_in_background(say)
    return keeper


def make_key(home: Path) -> Path:
    """Make the factory's signing key on first start; returns the path of the half that everybody may know."""
    from kifabrik.passport.keys import ensure_key  # cryptography takes its time

    return ensure_key(home / "keys").public_path


def end_all(keeper: Keeper) -> None:
    """End the processes, then let running jobs save and stop; the next start goes on from there."""
    keeper.end()
    jobs = read_home() / "site" / "jobs"
    if jobs.exists():
        from kifabrik.cluster.local import LocalExecutor  # a portal without a local site does not need it

        LocalExecutor(jobs).interrupt()


def keep_until_stopped(keeper: Keeper) -> None:
    """Wait for Ctrl-C or SIGTERM; then end everything."""
    try:
        while True:
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("Ending ...")
    finally:
        end_all(keeper)


def require_free_ports(host: str, port: int, *, serving: bool) -> None:
    """Refuse a port that cannot be used before anything is written; the inference server takes the next one."""
    for needed in (port, port + 1) if serving else (port,):
        _require_free(host, needed)


def _require_free(host: str, port: int) -> None:
    if not 0 < port <= PORT_MAX:
        raise InvalidInput(f"{port} is no port.", where="--port", remedy=f"Choose one from 1024 to {PORT_MAX - 1}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                remedy = "End what uses it, or choose another one with --port."
                raise Conflict(f"port {port} on {host} is taken.", remedy=remedy) from error
            reason = f"cannot listen on {host}, port {port}: {error.strerror or error}."
            raise Conflict(reason, remedy="Choose an address of this machine, and a port above 1023.") from error
