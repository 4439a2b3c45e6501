"""Which document is held out: decided by its digest and a seed alone, so that more data never move a document.

Near-duplicates that stay go together, by the digest of the first of them, so that no model is tested on what it was
trained on. Knows no text. One exception keeps small datasets usable: if the rule holds out nothing, the group nearest
to the border is held out, unless it is the only one.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Literal

Split = Literal["train", "held-out"]


def draw(document_id: str, *, seed: int) -> float:
    """Give a document its fixed number in [0, 1)."""
    number = hashlib.sha256(f"{seed}:{document_id}".encode()).digest()[:6]  # 48 bits are exact in a float
    return int.from_bytes(number, "big") / 2**48


def describe(share: float, seed: int) -> str:
    """Say the rule in words, as a card states it."""
    return (
        f"by document: the first 48 bits of sha256('{seed}:' + document id), as a share of 1, below {share:g} are "
        "held out; near-duplicates that stay go with the first of them; if that holds out none, the document with the "
        "smallest number is"
    )


def choose(first_ids: Sequence[str], *, share: float, seed: int) -> list[Split]:
    """Give the split of each document; `first_ids` names for each the first of its near-duplicates, or itself."""
    numbers = [draw(each, seed=seed) for each in first_ids]
    smallest = min(numbers, default=1.0)
    holds_out_none = 0 < share <= smallest and len(set(first_ids)) > 1
    border = math.nextafter(smallest, 1.0) if holds_out_none else share
    return ["held-out" if number < border else "train" for number in numbers]
