"""Identifiers that sort by time of making and say what they name. Knows no table."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(kind: str) -> str:
    """Make an identifier such as `run-01jd3k...`: 48 bits of milliseconds, 40 random bits, in Crockford base 32."""
    number = (time.time_ns() // 1_000_000) << 40 | int.from_bytes(os.urandom(5), "big")
    digits = []
    for _ in range(18):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return f"{kind}-{''.join(reversed(digits))}"
