"""The command line speaks with one voice: JSON for programs on one stream, sentences for people on the other."""

import errno
import json
import os
from pathlib import Path

import pytest
import typer

from kifabrik.cli.terminal import explain_errors, print_findings, print_json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Finding, Severity


def test_json_is_one_document_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Größe"})

    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"name": "Größe"}
    assert captured.err == ""


@pytest.mark.parametrize(
    ("error", "code"), [(InvalidInput("is wrong.", where="a:1", remedy="Mend it."), 2), (Conflict("x"), 5)]
)
def test_an_error_is_one_sentence_and_an_exit_code(error, code, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, explain_errors():
        raise error

    assert caught.value.exit_code == code
    assert capsys.readouterr().err.split() == ["Error:", *str(error).split()]


def test_a_missing_part_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), explain_errors():
        raise ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")

    assert "pip install 'kifabrik[workbench]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("No module named 'kifabrik.nothing'", name="kifabrik.nothing"), KeyError("a\nb")]
)
def test_a_fault_of_ours_is_one_sentence_and_its_traceback_a_file(
    error: Exception, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(typer.Exit) as caught, explain_errors():
        raise error

    assert caught.value.exit_code == 1
    (line,) = capsys.readouterr().err.splitlines()
    (details,) = tmp_path.iterdir()
    assert line.startswith(f"Error: an unforeseen error ended the command: {type(error).__name__}: ")
    assert line.endswith(f"Please report it with {details}.")
    assert "Traceback" in details.read_text()


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "/somewhere/a: cannot write: the disk is full. Free some space and start again"),
        (errno.ENOTDIR, "/somewhere/a: cannot write: a part of this path is a file and no folder."),
        (errno.EBUSY, "/somewhere/a: cannot be used: Device or resource busy. Check the path"),
    ],
)
def test_an_error_of_the_system_names_the_path(number: int, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, explain_errors():
        raise OSError(number, os.strerror(number), "/somewhere/a")

    assert caught.value.exit_code == 6
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("ending", [typer.Exit(3), typer.Abort(), typer.BadParameter("no")])
def test_a_command_may_end_itself(ending: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(type(ending)), explain_errors():
        raise ending

    assert capsys.readouterr().err == ""


def test_ctrl_c_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, explain_errors():
        raise KeyboardInterrupt

    assert caught.value.exit_code == 130
    assert capsys.readouterr().err.strip() == "Stopped."


def test_findings_come_heaviest_first_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings(
        [
            Finding("a", Severity.INFO, "Nothing to do."),
            Finding("b", Severity.BLOCKING, "This stops.", where="file.txt", remedy="Mend it."),
        ]
    )

    lines = capsys.readouterr().err.splitlines()
    assert [line.strip() for line in lines] == ["✗ file.txt: This stops.", "→ Mend it.", "· Nothing to do."]
