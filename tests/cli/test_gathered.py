"""Options gathered in a dataclass are options of the command, under a heading of their own."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from kifabrik.cli.gathered import gather


@dataclass(frozen=True, slots=True)
class Weather:
    """What it is like outside. The rest of this is for programmers."""

    rain_bytes: Annotated[int, typer.Option(min=0, help="how much rain")] = 3
    winds: Annotated[list[str] | None, typer.Option("--wind", help="may be repeated")] = None


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command()
    @gather
    def look(weather: Weather, place: Annotated[str, typer.Argument()], loud: bool = False) -> None:
        """Look out of the window."""
        typer.echo(f"{place} {weather} {loud}")

    return app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Brussels"], "Brussels Weather(rain_bytes=3, winds=None) False"),
        (["Brussels", "--rain-bytes", "5", "--loud"], "Brussels Weather(rain_bytes=5, winds=None) True"),
        (["--wind", "west", "Bonn", "--wind", "east"], "Bonn Weather(rain_bytes=3, winds=['west', 'east']) False"),
    ],
)
def test_the_command_gets_the_object(app, words, said) -> None:
    assert CliRunner().invoke(app, words).stdout.strip() == said


def test_wrong_values_and_the_help_are_those_of_single_options(app) -> None:
    assert CliRunner().invoke(app, ["Bonn", "--rain-bytes", "-1"]).exit_code == 2
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert "What it is like outside" in text
    assert "programmers" not in text
    assert "Look out of the window." in text
