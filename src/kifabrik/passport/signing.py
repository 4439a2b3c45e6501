"""Signs a release folder in the OpenSSF model-signing format with the factory's key. Knows no record.

No path is left out of the signature but the signature itself; by default the library would skip git's files.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from kifabrik.core import canonical, files
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.passport.keys import KeyPair

SIGNATURE_NAME = "passport.sig"
PUBLIC_KEY_NAME = "passport.pub"


def sign(folder: Path, *, key: KeyPair) -> Path:
    """Write `passport.pub` and `passport.sig` into a release folder; raises InvalidInput for links in it."""
    signature = folder / SIGNATURE_NAME
    if signature.exists():
        raise Conflict("this folder is signed already.", where=str(folder), remedy="Build the release folder anew.")
    _require_plain(folder)
    files.write_bytes(folder / PUBLIC_KEY_NAME, key.public_pem)
    bundle = _sign_with_library(folder, key)
    # The canonical form leaves no byte of the file free: a verifier can demand exactly it.
    files.write_bytes(signature, canonical.encode(bundle))
    return signature


def _sign_with_library(folder: Path, key: KeyPair) -> Any:
    # The library takes more than a second to import, which no other command should wait for.
    from model_signing import hashing, signing  # noqa: PLC0415 - slow import, see the line above

    hashing_config = hashing.Config().use_file_serialization(allow_symlinks=False)
    hashing_config.set_ignored_paths(paths=[SIGNATURE_NAME], ignore_git_paths=False)
    config = signing.Config().use_elliptic_key_signer(private_key=key.private_path)
    config.set_hashing_config(hashing_config)
    workplace = Path(tempfile.mkdtemp(prefix="kifabrik-sign-"))
    try:
        config.sign(folder, workplace / SIGNATURE_NAME)
        return json.loads((workplace / SIGNATURE_NAME).read_bytes())
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _require_plain(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InvalidInput("is a link or a special file; a release holds plain files.", where=str(path))
