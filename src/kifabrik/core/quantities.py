"""Amounts with their units in the name, as integers. Knows how people read them, not where they come from."""

import re

SECONDS_PER_HOUR = 3600
_DURATION = re.compile(r"^\s*(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>[a-zA-Z]+)\s*$")
_UNIT_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def hours_from_seconds(gpu_seconds: int) -> float:
    """Turn GPU seconds into GPU-hours for people."""
    return gpu_seconds / SECONDS_PER_HOUR


def seconds_from_hours(gpu_hours: float) -> int:
    """Turn GPU-hours as people write them into whole GPU seconds, half up."""
    return int(gpu_hours * SECONDS_PER_HOUR + 0.5)


def parse_duration(text: str) -> int:
    """Read `90 s`, `2 min`, `1.5 h` or `3 d` as whole seconds; raises ValueError naming the accepted units."""
    match = _DURATION.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as '90 s', '2 min' or '1.5 h'")
    unit = match["unit"]
    if unit not in _UNIT_SECONDS:
        raise ValueError(f"unknown unit {unit!r} in {text!r}; use s, min, h or d")
    return int(float(match["amount"]) * _UNIT_SECONDS[unit] + 0.5)


def format_duration(seconds: float) -> str:
    """Write seconds as people read them: `42 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"


def format_count(number: int, one: str, many: str) -> str:
    """Write a number with what is counted, in its singular or plural: `1 file is empty`, `3 files are empty`."""
    return f"{number} {one if number == 1 else many}"


def format_bytes(size_bytes: int) -> str:
    """Write a size with a decimal unit: `8.2 MB`."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
