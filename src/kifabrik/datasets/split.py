"""Which document is held out: decided by its digest and a seed alone, so that more data never move a document.

Near-duplicates that stay go together, by the digest of the first of them, so that no model is tested on what it was
trained on. Knows no text. One exception keeps small datasets usable: if the rule holds out nothing, the group nearest
to the border is held out, unless it is the only one.
"""

import math
from hashlib import sha256
from typing import Literal

import numpy as np
import numpy.typing as npt

Split = Literal["train", "held-out"]
_DRAWN_BYTES = 6  # 48 bits are exact in a float


def draw(digests: npt.NDArray[np.uint8], *, seed: int) -> npt.NDArray[np.float64]:
    """Give each document, a row of 32 bytes, its fixed number in [0, 1)."""
    beginning, names = f"{seed}:sha256:".encode(), digests.tobytes().hex().encode()
    width = 2 * digests.shape[1]
    hashed = (sha256(beginning + names[place : place + width]).digest() for place in range(0, len(names), width))
    drawn = np.frombuffer(b"".join([each[:_DRAWN_BYTES] for each in hashed]), dtype=np.uint8)
    numbers = drawn.reshape(-1, _DRAWN_BYTES) @ 256 ** np.arange(_DRAWN_BYTES)[::-1]
    return numbers / 256**_DRAWN_BYTES


def describe(share: float, seed: int) -> str:
    """Say the rule in words, as a card states it."""
    return (
        f"by document: the first 48 bits of sha256('{seed}:' + document id), as a share of 1, below {share:g} are "
        "held out; near-duplicates that stay go with the first of them; if that holds out none, the document with the "
        "smallest number is"
    )


def hold_out(firsts: npt.NDArray[np.uint8], *, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Say which documents are held out; `firsts` has for each the digest of the first of its near-duplicates, or its
    own."""
    numbers = draw(firsts, seed=seed)
    smallest = float(numbers.min(initial=1.0))
    holds_out_none = 0 < share <= smallest and bool((firsts != firsts[:1]).any())
    return numbers < (math.nextafter(smallest, 1.0) if holds_out_none else share)
