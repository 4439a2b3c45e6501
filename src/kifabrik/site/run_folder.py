"""Reads what a run leaves in its folder: events from a cursor on, the manifest, the files to bring home.

Knows no portal.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from kifabrik.core import digests, files
from kifabrik.core.errors import InvalidInput
from kifabrik.records import EvaluationReport, EventKind, RunEvent, RunManifest

_SINGLE_OUTPUTS = ("manifest.json", "evaluation.json", "events.jsonl", "recipe.json", "recipe.yaml")
_REASON_CHARACTERS_MAX = 500
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """One file to bring to the portal; `path` is relative to the run folder."""

    path: str
    digest: str
    size_bytes: int


class EventReader:
    """Reads new events; what it remembers only saves reading the file again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset_bytes = 0
        self._unsent: list[RunEvent] = []
        self._read_to = 0
        self.unreadable = 0
        self.last_failure = ""

    def after(self, known: int) -> tuple[RunEvent, ...]:
        """Return the events with a higher sequence than the portal knows, in order."""
        if known < self._read_to - len(self._unsent):  # the portal forgot some (an older backup): from the start
            self._offset_bytes, self._unsent, self._read_to = 0, [], 0
        lines, self._offset_bytes = files.read_whole_lines(self._path, offset_bytes=self._offset_bytes)
        for line in lines:
            try:
                event = RunEvent.model_validate_json(line)
            except ValidationError:
                self.unreadable += 1  # a torn line that a new start of the run has closed
                continue
            self._unsent.append(event)
            self._read_to = max(self._read_to, event.sequence)
            if event.kind is EventKind.FAILED:
                self.last_failure = event.message
        self._unsent = [event for event in self._unsent if event.sequence > known]
        return tuple(self._unsent)


def find_fault(folder: Path) -> str:
    """Say what is missing in the folder of a run whose command ended well; nothing if all is there."""
    try:
        manifest = RunManifest.read(folder / "manifest.json")
        EvaluationReport.read(folder / "evaluation.json")
    except InvalidInput as error:
        return str(error)
    return "" if manifest.finished else "manifest.json does not say that the run is finished"


def list_outputs(folder: Path, *, with_model: bool) -> tuple[OutputFile, ...]:
    """List what belongs to the portal: records and logs, and the model of a run that succeeded.

    Checkpoints and encodings stay at the site.
    """
    found = [folder / name for name in _SINGLE_OUTPUTS] + sorted(folder.glob("job-*.log"))
    found += sorted((folder / "model").rglob("*")) if with_model else []
    return tuple(
        OutputFile(
            path=path.relative_to(folder).as_posix(),
            digest=digests.digest_file(path),
            size_bytes=path.stat().st_size,
        )
        for path in found
        if path.is_file() and not path.is_symlink()
    )


def read_papers(folder: Path, outputs: Sequence[OutputFile], *, is_finished: bool) -> dict[str, object]:
    """Put together the report of outputs; manifest and evaluation go along once the run is finished."""
    manifest = RunManifest.read(folder / "manifest.json") if is_finished else None
    evaluation = EvaluationReport.read(folder / "evaluation.json") if is_finished else None
    return {
        "files": [asdict(output) for output in outputs],
        "manifest": manifest.model_dump(mode="json") if manifest else None,
        "evaluation": evaluation.model_dump(mode="json") if evaluation else None,
    }


def last_words(log: Path | None) -> str:
    """Return the last line with words of a log, shortened: what a command said before it failed."""
    if log is None or not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = stream.read().decode(errors="replace").splitlines()
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(character for character in words if character.isprintable())[-_REASON_CHARACTERS_MAX:]
