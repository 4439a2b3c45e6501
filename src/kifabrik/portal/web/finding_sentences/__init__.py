"""The English sentences of checks, tests, sites and passports, with names for what is filled in.

They stand here a second time so that translators find them; the tests of `finding_words` prove that each sentence
that can be said is among them. Knows words only.
"""

from kifabrik.portal.web.finding_sentences import checks, files, passports, protection, sites, tests_of_models
from kifabrik.portal.web.finding_sentences.pairs import Pair

__all__ = ["SENTENCES", "Pair"]

SENTENCES: tuple[str | Pair, ...] = (
    *checks.SENTENCES,
    *files.SENTENCES,
    *protection.SENTENCES,
    *tests_of_models.SENTENCES,
    *sites.SENTENCES,
    *passports.SENTENCES,
)
