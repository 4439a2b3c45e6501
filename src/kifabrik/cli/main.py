"""The root of the command line: nouns below it, and one sentence for every error. Knows no work."""

import typer

app = typer.Typer(name="kifabrik", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def describe() -> None:
    """Kifabrik: from the call for proposals to the signed, served model."""


def main() -> None:
    """Run the command line."""
    app()
