"""The names of the papers that a dataset card can be written as. Knows no record, so that menus stay quick."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """What a dataset card can be written as."""

    CROISSANT = "croissant"
    HUGGINGFACE = "huggingface"
    EU_SUMMARY = "eu-summary"
