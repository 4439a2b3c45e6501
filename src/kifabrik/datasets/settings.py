"""What a person chose for a check, and which of it decides what a part holds. Knows no file but the plan's own."""

from dataclasses import asdict
from typing import Literal

from pydantic import Field

from kifabrik import __version__
from kifabrik.core import canonical
from kifabrik.datasets.deduplication import Parameters
from kifabrik.datasets.documents import STANDARD_LIMITS, Limits
from kifabrik.records.base import Digest, Part, Record
from kifabrik.records.dataset_card import DeclaredOrigin, SkippedFile

Action = Literal["report", "placeholder", "mask", "pseudonym", "drop"]
NearDuplicates = Literal["off", "report", "remove"]


class NearDuplicateChoice(Part):
    """What is done with near-duplicates, and the numbers of the search."""

    action: NearDuplicates = "remove"
    parameters: Parameters = Parameters()


class OtherDataset(Part):
    """A checked dataset that a new one is compared with."""

    folder: str
    name: str
    digest: Digest

    @property
    def label(self) -> str:
        """Name and digest, as a card lists it."""
        return f"{self.name} {self.digest}"


class PartSettings(Part):
    """Everything that decides what the part of a task holds, whoever makes it and where."""

    action: Action = "report"
    key_file: str = Field(default="", description="file with the HMAC key; the file of this user by default")
    key_id: str = Field(default="", description="names the key, which is never written here")
    names: str = Field(default="none", description="'none', 'cues', or the folder of a model")
    names_method: str = Field(default="none", description="the same as a card says it, with the digest of the model")
    near_duplicates: NearDuplicateChoice = NearDuplicateChoice()
    evaluation: tuple[str, ...] = Field(default=(), description="files and folders with evaluation texts")
    evaluation_sets: tuple[str, ...] = Field(default=(), description="their names and digests")
    opt_outs: str = Field(default="", description="folder with robots.txt, tdmrep.json and ai.txt files")
    opt_outs_digest: str = ""
    stops_at_broken: bool = Field(default=False, description="refuse the first broken record instead of counting it")
    limits: Limits = STANDARD_LIMITS
    rules: str = Field(default="", description="rule table and engine of the detectors")
    tool: str = __version__

    @property
    def digest(self) -> str:
        """Name the settings by what they say; places of files do not count, their contents do."""
        row = self.model_dump(mode="json", exclude={"key_file", "names", "evaluation", "near_duplicates", "opt_outs"})
        row["limits"] = asdict(self.limits)
        near = self.near_duplicates
        numbers = near.parameters  # bands, rows and threshold count only when parts are joined
        row["signatures"] = [near.action == "off", numbers.shingle_words, numbers.permutations, numbers.seed]
        return canonical.digest(row)


class PlanRecord(Record):
    """`plan.json` in the work folder: all that a worker or a later process needs besides the list of tasks."""

    schema_version: Literal[1] = 1
    settings: PartSettings
    tasks: int
    size_bytes: int
    name: str
    origin: DeclaredOrigin
    held_out_share: float
    seed: int
    drops_reserved: bool = False
    against: tuple[OtherDataset, ...] = Field(default=(), description="compared when parts are joined; no part knows")
    drops_elsewhere: bool = False
    skipped: tuple[SkippedFile, ...] = ()
    where: str = Field(default="", description="the paths that were named, for messages")
