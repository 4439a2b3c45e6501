"""The root of the command line: nouns below it, and one sentence for every error. Knows no work."""

import typer

from kifabrik.cli import dataset, funding, login, portal, release, run, serve, site
from kifabrik.cli.demo.command import demo

app = typer.Typer(name="kifabrik", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(funding.call, name="call")
app.add_typer(funding.proposal, name="proposal")
app.add_typer(dataset.app, name="dataset")
app.add_typer(run.app, name="run")
app.add_typer(release.app, name="release")
app.add_typer(site.app, name="site")
app.add_typer(portal.app, name="portal")
app.command()(login.login)
app.command()(serve.serve)
app.command()(demo)


@app.callback()
def describe() -> None:
    """Kifabrik: from the call for proposals to the signed, served model."""


def main() -> None:
    """Run the command line."""
    app()
