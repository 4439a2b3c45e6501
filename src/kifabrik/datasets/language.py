"""Which language a document is in, by py3langid on its beginning. Knows 140 languages, and code by its format."""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

PREFIX_CHARACTERS = 600
UNDETERMINED = "und"
CODE = "code"
_LETTERS_MIN = 20
_PROBABILITY_MIN = 0.7
_LETTER = re.compile(r"[^\W\d_]")


def identify(text: str, *, is_code: bool) -> str:
    """Name the language as ISO 639, `code` for source code, `und` if it cannot be told, `zxx` for what is none."""
    if is_code:
        return CODE
    prefix = text[:PREFIX_CHARACTERS]
    if len(_LETTER.findall(prefix)) < _LETTERS_MIN:
        return UNDETERMINED
    language, probability = _load().classify(prefix)
    return str(language) if probability >= _PROBABILITY_MIN else UNDETERMINED


@cache
def _load() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
