"""`kifabrik serve`: answers OpenAI-compatible requests from releases. Words, checks before the start, exit codes."""

import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from kifabrik.cli.terminal import explain_errors, say
from kifabrik.core.errors import Conflict, InvalidInput, Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(
    releases: Annotated[list[Path] | None, typer.Argument(help="release folders")] = None,
    watch: Annotated[Path | None, typer.Option(help="serve also what appears below this folder")] = None,
    host: Annotated[str, typer.Option(help="address to listen on; there is no sign-in at these doors")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on", min=0, max=65535)] = 8001,
    key: Annotated[Path | None, typer.Option(help="public key of the factory that you trust (its .pub file)")] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="serve folders that nobody signed, such as runs")
    ] = False,
) -> None:
    """Answer OpenAI-compatible requests from releases; only genuine ones are served, unless --unsigned is given."""
    with explain_errors():
        folders = releases or []
        if not folders and watch is None:
            raise InvalidInput("there is nothing to serve.", remedy="Name a release folder, or one to --watch.")
        for folder in folders:
            if not folder.is_dir():
                raise InvalidInput("there is no such folder.", where=str(folder), remedy="Name a release folder.")
        admit = None if unsigned else _checker(key)
        with _listen(host, port) as listener:
            _run(folders, watch=watch, admit=admit, listener=listener, host=host)


def _run(
    folders: list[Path],
    *,
    watch: Path | None,
    admit: Callable[[Path], None] | None,
    listener: socket.socket,
    host: str,
) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a model folder is whole; nothing is fetched for it
    import uvicorn  # torch and transformers take seconds, so bad input is told before them

    from kifabrik.serving.application import build

    _log_to_stderr()
    is_local = host in LOOPBACK
    application = build(folders, watch, admit=admit, hosts=("127.0.0.1", "localhost") if is_local else None)
    address, number = listener.getsockname()[:2]
    say(f"Serving at http://{address}:{number}/v1 (models: /v1/models). Ctrl-C ends it.")
    if not is_local:
        say("Everybody who reaches this address may ask: put a gateway with a sign-in before it.", style="yellow")
    config = uvicorn.Config(application, log_level="warning", server_header=False, timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listener])


def _checker(key: Path | None) -> Callable[[Path], None]:
    """Make the check that every folder passes before it is listed, and again before its weights are loaded."""
    from kifabrik.cli.release import read_keys
    from kifabrik.passport.verification import verify  # cryptography takes its time

    trusted = read_keys(key)

    def check(folder: Path) -> None:
        fault = verify(folder, trusted_keys=trusted).first_fault
        if fault is not None:
            raise Refused(
                f"this release is not genuine: {fault.where} {fault.message}",
                where=str(folder),
                remedy=f"'kifabrik release verify {folder}' says more. --unsigned serves it all the same.",
            )

    return check


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # at once, so that a second server of this port is told before it loads anything
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {host}, port {port}: {error.strerror or error}.",
            remedy="End what uses the port, or choose another one with --port.",
        ) from error
    return listener


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    log = logging.getLogger("kifabrik.serving")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
