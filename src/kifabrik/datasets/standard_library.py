"""The sources of the running interpreter's standard library: real text that every machine with Python holds.

Knows where they lie and under which licence they stand, not how they are checked.
"""

import platform
import sysconfig
from math import ceil
from pathlib import Path

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.records.dataset_card import DeclaredOrigin

LEFT_OUT = frozenset(  # tables, tests and programs of other authors or of little use to a model of Python
    {"encodings", "idlelib", "turtledemo", "lib2to3", "pydoc_data", "test", "tests", "site-packages", "dist-packages"}
)


def find_sources(*, share: float = 1.0) -> tuple[Path, ...]:
    """List the library's Python files, or a share of them drawn by the digest of their names, in the order of names.

    A share lets a small model see all of its text in a minute. Raises NotFound if the machine has none of the files,
    InvalidInput for a share that is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise InvalidInput("the share of the library is not above 0 and at most 1.", remedy="Write for example 0.4.")
    folder = Path(sysconfig.get_path("stdlib"))
    found = (path for path in folder.rglob("*.py") if not LEFT_OUT.intersection(path.relative_to(folder).parts))
    files = tuple(sorted(path for path in found if path.is_file() and not path.is_symlink() and path.stat().st_size))
    if not files:
        raise NotFound(
            "this Python came without the sources of its standard library.",
            where=str(folder),
            remedy="Name a folder with your own texts instead.",
        )
    drawn = sorted(files, key=lambda path: digest_bytes(path.relative_to(folder).as_posix().encode()))
    return tuple(sorted(drawn[: ceil(share * len(drawn))]))


def describe_origin() -> DeclaredOrigin:
    """Declare where these texts come from and on what terms."""
    version = platform.python_version()
    return DeclaredOrigin(
        title=f"Standard library of Python {version}",
        licence="PSF-2.0",
        source=f"sources of CPython {version} as installed on this machine (https://www.python.org)",
        source_kind="public",
        personal_data_role="controller",
        legal_basis="Regulation (EU) 2016/679, Article 6(1)(f): authors published their addresses in these sources",
    )
