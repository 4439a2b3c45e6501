"""What every record shares: frozen, strict about unknown fields, one canonical form, one digest, safe reading."""

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from kifabrik.core import canonical, files
from kifabrik.core.errors import InvalidInput

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Part(BaseModel):
    """A piece of a record: frozen, and a field nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)


class Record(Part):
    """A whole paper; concrete records carry a literal `schema_version`, so that an unknown version is refused."""

    def as_json(self) -> bytes:
        """Write the canonical JSON of the record; equal records have equal bytes."""
        return canonical.encode(self.model_dump(mode="json"))

    def digest(self) -> str:
        """Name the record by its content."""
        return canonical.digest(self.model_dump(mode="json"))

    def write(self, path: Path) -> None:
        """Write the record for people and machines: indented, sorted, whole or not at all."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=2, ensure_ascii=False)
        files.write_text(path, text + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record; raises InvalidInput that names the file and the first wrong field."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise InvalidInput("there is no such file.", where=str(path)) from error
        except PermissionError as error:
            raise InvalidInput(
                "you may not read it.", where=str(path), remedy="Give yourself the right to read it."
            ) from error
        except ValidationError as error:
            remedy = "The file is damaged or of another version: copy it again, or make it again."
            raise InvalidInput(first_fault(error), where=str(path), remedy=remedy) from error


def first_fault(error: ValidationError) -> str:
    """Say in one sentence which field of a record is wrong first, and how."""
    fault = error.errors(include_url=False)[0]
    field = ".".join(str(step) for step in fault["loc"]) or "the document"
    if fault["type"] == "extra_forbidden":
        return f"{field}: there is no such field."
    message = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{field}: {message[:1].lower()}{message[1:]}."
