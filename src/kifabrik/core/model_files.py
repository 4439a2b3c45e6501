"""What a model folder may hold: weights as safetensors and plain text beside them; never code, never pickle.

An allow-list, because lists of what is dangerous are never complete. Knows file names and headers, not models.
"""

from pathlib import Path

from kifabrik.core import safetensors_header
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, Severity

WEIGHTS_SUFFIX = ".safetensors"
ALLOWED_SUFFIXES = frozenset({WEIGHTS_SUFFIX, ".json", ".txt", ".md", ".jinja"})
PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".h5"})
CODE_SUFFIXES = frozenset({".py", ".pyc", ".so", ".sh", ".js", ".dll", ".exe", ".ipynb", ".gguf"})
_TAKE_OUT = "Take it out; a release holds safetensors and text only."
_WHOLE = "Name a whole release folder, or that of a finished run."
REFERENCE = "Unsafe formats are refused by an allow-list, not scanned"


def check(folder: Path) -> tuple[Finding, ...]:
    """Find every entry of a model folder that may not be there, and every safetensors header that is not sound."""
    if not folder.is_dir():
        return (_finding("model.missing", folder.name, "there is no model folder.", remedy=_WHOLE),)
    findings: list[Finding] = []
    weights = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            findings.append(_finding("model.link", name, "is a link or a special file."))
        elif path.is_file():
            weights += path.suffix == WEIGHTS_SUFFIX
            findings += check_file(path, name=name)
    if not weights:
        findings.append(_finding("model.no-weights", folder.name, "holds no safetensors file.", remedy=_WHOLE))
    return tuple(findings)


def check_file(path: Path, *, name: str) -> tuple[Finding, ...]:
    """Check one regular file by its suffix and, if it holds weights, by its header; `name` is for findings."""
    suffix = path.suffix.lower()
    if suffix in PICKLE_SUFFIXES:
        return (_finding("model.pickle", name, "may hold pickled objects, which run code when they are read."),)
    if suffix in CODE_SUFFIXES:
        return (_finding("model.code", name, "is code or a foreign format."),)
    if suffix not in ALLOWED_SUFFIXES:
        return (_finding("model.unknown-file", name, "is a kind of file that a model folder may not hold."),)
    if suffix != WEIGHTS_SUFFIX:
        return _check_text(path, name)
    try:
        safetensors_header.read(path)
    except InvalidInput as error:
        return (_finding("model.header", name, error.message),)
    return ()


def _check_text(path: Path, name: str) -> tuple[Finding, ...]:
    """Catch a binary file behind an allowed suffix: text holds no zero byte and pickle's and zip's marks come first."""
    with path.open("rb") as stream:
        start = stream.read(4096)
    if b"\0" in start or start[:1] == b"\x80" or start[:2] == b"PK":
        return (_finding("model.disguised", name, "is not the text that its name promises."),)
    return ()


def _finding(code: str, where: str, message: str, *, remedy: str = _TAKE_OUT) -> Finding:
    return Finding(
        code=code,
        severity=Severity.BLOCKING,
        message=message,
        where=where,
        remedy=remedy,
        reference=REFERENCE,
    )
