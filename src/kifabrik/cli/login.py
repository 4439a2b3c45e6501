"""`kifabrik login`, and how every other noun finds its portal: the environment first, then the file login wrote."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli.terminal import explain_errors, say
from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import write_text

if TYPE_CHECKING:
    from kifabrik.site.client import PortalClient


def login_file() -> Path:
    """Name the 0600 file that holds the portal's address and this person's token."""
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    return Path(os.environ.get("KIFABRIK_LOGIN_FILE", base / "kifabrik" / "login.json"))


def connect() -> "PortalClient":
    """Open the portal that KIFABRIK_PORTAL and KIFABRIK_TOKEN name, or that `kifabrik login` remembered."""
    from kifabrik.site.client import PortalClient  # httpx takes its time; most commands do not need it

    address, token = os.environ.get("KIFABRIK_PORTAL", ""), os.environ.get("KIFABRIK_TOKEN", "")
    if not (address and token) and login_file().exists():
        remembered = _read_login(login_file())
        address, token = address or remembered["portal"], token or remembered["token"]
    if not (address and token):
        raise InvalidInput(
            "no portal is known here.", remedy="Sign in with 'kifabrik login --email YOURS --portal ADDRESS'."
        )
    return PortalClient(address, token)


def _read_login(path: Path) -> dict[str, str]:
    try:
        remembered = json.loads(path.read_text())
        return {name: str(remembered[name]) for name in ("portal", "token")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "Sign in again with 'kifabrik login --email YOURS --portal ADDRESS'."
        raise InvalidInput("what the last sign-in left cannot be read.", where=str(path), remedy=remedy) from error


def login(
    email: Annotated[str, typer.Option(prompt=True, help="the address you sign in with")],
    portal: Annotated[str, typer.Option(help="address of the portal")] = "http://127.0.0.1:8000",
) -> None:
    """Sign in and keep an access token in a file that only you can read; asks for the password."""
    password = typer.prompt("Password", hide_input=True, err=True)
    with explain_errors():
        from kifabrik.site.client import PortalClient  # see connect

        client = PortalClient(portal, "")
        answer = client.post(
            "/tokens",
            {"email": email, "password": password, "name": f"command line on {os.uname().nodename}",
             "scopes": ["read", "write"]},
        )  # fmt: skip
        write_text(login_file(), json.dumps({"portal": portal, "token": answer["token"]}), mode=0o600)
        say(f"Signed in at {portal} as {email}; the token is in {login_file()}.")
