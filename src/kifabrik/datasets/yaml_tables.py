"""Parses the tables in YAML that came with this program, ten times faster where PyYAML was built with its C library."""

from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(data: str | bytes) -> Any:
    """Give what a table holds."""
    return yaml.load(data, Loader=_LOADER)  # noqa: S506  # both loaders are safe ones
