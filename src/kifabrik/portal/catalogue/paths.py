"""The names of files in a dataset folder that the catalogue knows. Knows no folder."""

CARD_PATH = "card.json"
FINDINGS_PATH = "findings.jsonl"
OPTIONAL_PATHS = frozenset({FINDINGS_PATH})  # may lie beside the card and its shards
