"""One sentence for an error nobody foresaw; the details go into a file of the run folder. Knows no step."""

import traceback
from contextlib import suppress
from pathlib import Path

import torch

from kifabrik.core import files
from kifabrik.core.errors import KifabrikError, Unavailable


def explain(error: Exception, *, step: str, details: Path) -> KifabrikError:
    """Turn an unforeseen error into a sentence for people, and write its traceback to `details` if the disk allows."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return Unavailable(
            "the memory of this machine or its accelerator is used up.",
            where=step,
            remedy="Lower batch_sequences or the model's sizes, or use a machine with more memory.",
            code="memory",
        )
    if isinstance(error, OSError):
        disk = files.describe_disk_error(error, Path(error.filename or details.parent))
        if disk is not None:
            return disk
    with suppress(KifabrikError, OSError):
        files.write_text(details, "".join(traceback.format_exception(error)))
    return KifabrikError(
        f"an unforeseen error ended the step: {type(error).__name__}: {error}",
        where=step,
        remedy=f"The details are in {details}. Starting again goes on from the last checkpoint.",
        code="unforeseen",
    )
