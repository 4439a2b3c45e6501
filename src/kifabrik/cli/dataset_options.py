"""The options of `kifabrik dataset check`, gathered by what they are about. Knows words and defaults, no check."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Option

_PARSE_SECONDS_MAX = 24 * 3600


class SourceKind(StrEnum):
    """Kinds of source as the summary of training content asks for them."""

    PUBLIC = "public"
    LICENSED = "licensed"
    CRAWLED = "crawled"
    USER = "user"
    SYNTHETIC = "synthetic"
    OWN = "own"
    OTHER = "other"


class PersonalDataRole(StrEnum):
    """Who answers for personal data in the texts."""

    NONE = "none"
    CONTROLLER = "controller"
    PROCESSOR = "processor"
    UNKNOWN = "unknown"


class SpecialCategories(StrEnum):
    """Whether the texts hold data of Article 9 GDPR."""

    NONE = "none"
    PRESENT = "present"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What happens to personal identifiers that are found."""

    REPORT = "report"
    PLACEHOLDER = "placeholder"
    MASK = "mask"
    PSEUDONYM = "pseudonym"
    DROP = "drop"


class NearDuplicates(StrEnum):
    """What happens to near-duplicates."""

    ON = "on"
    REPORT = "report"
    OFF = "off"


def key_file() -> Path:
    """Say where the key of digests and pseudonyms of this user lies; it is made once."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(os.environ.get("KIFABRIK_DATA_KEY_FILE") or base / "kifabrik" / "data.key")


@dataclass(frozen=True, slots=True)
class Origin:
    """What you declare about the texts."""

    title: Annotated[str, Option(help="title for people")] = ""
    licence: Annotated[str, Option(help="licence of the texts as an SPDX identifier")] = "unknown"
    source: Annotated[str, Option(help="where the texts come from, in words or as an address")] = ""
    source_kind: Annotated[SourceKind, Option(help="kind of source")] = SourceKind.OTHER
    creator: Annotated[str, Option(help="who made the collection")] = ""
    url: Annotated[str, Option(help="where the collection can be had")] = ""
    collected_from: Annotated[str, Option(help="first day of the collection, as 2026-11-24")] = ""
    collected_to: Annotated[str, Option(help="last day of the collection, as 2026-11-24")] = ""
    personal_data_role: Annotated[PersonalDataRole, Option(help="your role for personal data in the texts")] = (
        PersonalDataRole.UNKNOWN
    )
    legal_basis: Annotated[str, Option(help="legal basis for personal data in the texts")] = ""
    purpose: Annotated[str, Option(help="what personal data in the texts are processed for")] = ""
    retention_until: Annotated[str, Option(help="day on which the copies are deleted, as 2026-11-24")] = ""
    special_categories: Annotated[SpecialCategories, Option(help="whether there are data of Article 9 GDPR")] = (
        SpecialCategories.UNKNOWN
    )


@dataclass(frozen=True, slots=True)
class Split:
    """What is held out for tests."""

    held_out_share: Annotated[float, Option(help="share of the documents kept for tests")] = 0.05
    seed: Annotated[int, Option(help="seed of the split")] = 17


@dataclass(frozen=True, slots=True)
class Persons:
    """What happens to personal data."""

    action: Annotated[Action, Option(help="what to do with personal identifiers")] = Action.REPORT
    key: Annotated[
        Path | None, Option(help="key of digests and pseudonyms; made once; that of this user by default")
    ] = None
    names: Annotated[str, Option(help="look for names of persons: none, cues, or the folder of a model")] = "none"
    findings: Annotated[Path | None, Option(help="copy of the JSON Lines with the place of every finding")] = None


@dataclass(frozen=True, slots=True)
class Near:
    """What is compared with what."""

    near_duplicates: Annotated[
        NearDuplicates, Option(help="take near-duplicates out, only report them, or do not look")
    ] = NearDuplicates.ON
    near_threshold: Annotated[float, Option(help="Jaccard similarity of near-duplicates")] = 0.7
    near_words: Annotated[int, Option(help="words of a shingle")] = 5
    near_bands: Annotated[int, Option(help="bands of the signatures")] = 32
    near_rows: Annotated[int, Option(help="rows of a band")] = 4
    against: Annotated[
        list[Path] | None,
        Option(help="other dataset folder: count near-duplicates of its documents; may be repeated"),
    ] = None
    drop_elsewhere: Annotated[bool, Option(help="leave out documents that a dataset of --against holds too")] = False
    evaluation_texts: Annotated[
        list[Path] | None, Option(help="texts for tests of models; documents that share them are left out")
    ] = None


@dataclass(frozen=True, slots=True)
class Rights:
    """Who reserved data mining."""

    opt_outs: Annotated[
        Path | None, Option(help="folder with robots.txt, tdmrep.json and ai.txt files, a folder for each host")
    ] = None
    drop_reserved: Annotated[bool, Option(help="leave out documents whose host reserves data mining")] = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read."""

    stop_at_broken: Annotated[bool, Option(help="stop at the first broken record instead of counting it")] = False
    parse_seconds: Annotated[
        int,
        Option(
            min=1,
            max=_PARSE_SECONDS_MAX,
            help="processor time for one PDF, Word file, web page or archived file, in seconds",
        ),
    ] = 5
    standard_library: Annotated[bool, Option(help="take this Python's own standard library")] = False
    library_share: Annotated[float, Option(help="share of the standard library's files to take")] = 1.0


@dataclass(frozen=True, slots=True)
class Machines:
    """Who does the work."""

    workers: Annotated[int | None, Option(min=1, help="processes; all cores by default")] = None
    slurm: Annotated[
        Path | None, Option(help="site profile of a Slurm cluster that does it; files on shared storage")
    ] = None
    slurm_account: Annotated[str, Option(help="account of the cluster that pays")] = ""
    slurm_jobs: Annotated[int, Option(min=0, help="jobs at once; 0: as many as fit")] = 0
