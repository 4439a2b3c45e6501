"""All that looks at texts, made once a process: detectors, languages, signatures, quality, rights, redaction.

Knows how they follow one another in a block of texts; each lives in a module of its own.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kifabrik.datasets import licences
from kifabrik.datasets.decontamination import EvaluationIndex
from kifabrik.datasets.deduplication import Parameters, signatures
from kifabrik.datasets.detectors.names import CueNames, NameDetector, NoNames
from kifabrik.datasets.detectors.names_model import TransformersNames
from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.keys import digest_of, open_key
from kifabrik.datasets.language import identify_many
from kifabrik.datasets.pipeline.redacting import Redactor
from kifabrik.datasets.pipeline.rows import Item, Looked
from kifabrik.datasets.quality import doubts_of_words
from kifabrik.datasets.redaction import RedactionAction
from kifabrik.datasets.rights import address_of, read_opt_outs, registrable_domain
from kifabrik.datasets.settings import PartSettings
from kifabrik.datasets.words import split_words


@cache
def scanner() -> Scanner:
    """Give the scanner of this process; to compile the rules takes about half a second."""
    return Scanner()


def make_names(choice: str) -> NameDetector:
    """Give the detector of names for 'none', 'cues' or the folder of a model; raises NotFound without a model."""
    if choice == "none":
        return NoNames()
    return CueNames() if choice == "cues" else TransformersNames(Path(choice))


def get_ready() -> None:
    """Load what all blocks of texts need, whatever the settings are: rules, languages, compiled loops."""
    texts = ["Der Zug nach Brüssel fährt heute um zehn Uhr ab, und wir kommen gegen Mittag an.\n" * 40, "x = 1\n" * 40]
    is_code = [False, True]
    languages = identify_many(texts, is_code)
    scanner().scan(texts, is_code=is_code, languages=languages)
    words = split_words(texts)
    doubts_of_words(texts, words, is_code, languages)
    signatures(words, Parameters())
    licences.find_in_many(texts, [text.encode() for text in texts])


class Instruments:
    """Looks at blocks of texts as the settings say; costs about a second to make and is then used for all blocks."""

    def __init__(self, settings: PartSettings) -> None:
        self._near = settings.near_duplicates
        self._action = RedactionAction(settings.action)
        self._scanner = scanner()
        self._names = make_names(settings.names)
        self._key = open_key(Path(settings.key_file))
        self._redactor = Redactor(self._scanner, self._action, self._key)
        paths = [Path(each) for each in settings.evaluation]
        self._index = EvaluationIndex.read(paths, limits=settings.limits) if paths else None
        self._opt_outs = read_opt_outs(Path(settings.opt_outs)) if settings.opt_outs else None

    def look(self, block: Sequence[Item]) -> Looked:
        """Find out everything about a block of texts, and take personal identifiers out if that is wanted."""
        texts = [item.passage.text for item in block]
        is_code = [item.is_code for item in block]
        encoded = [item.data for item in block]
        languages = identify_many(texts, is_code, encoded=encoded)
        hits = self._scanner.scan(texts, is_code=is_code, languages=languages, encoded=encoded)
        hits = self._add_names(hits, texts, is_code, languages)
        kept = list(block)
        replaced: Counter[str] = Counter()
        if self._action is RedactionAction.DROP:
            wanted = [number for number, found in enumerate(hits) if all(hit.is_example for hit in found)]
            kept, languages, hits = ([rows[number] for number in wanted] for rows in (kept, languages, hits))  # type: ignore[assignment]
        elif self._action is not RedactionAction.REPORT:
            replaced.update(hit.kind for found in hits for hit in found if not hit.is_example)
            kept = self._redactor.redact(kept, hits, languages)
        return self._describe(kept, hits, languages, replaced, dropped=len(block) - len(kept))

    @property
    def texts_cut_for_names(self) -> int:
        """How many texts a model for names read only in part."""
        return self._names.truncated_texts if isinstance(self._names, TransformersNames) else 0

    def _add_names(
        self, hits: list[tuple[Hit, ...]], texts: Sequence[str], is_code: Sequence[bool], languages: Sequence[str]
    ) -> list[tuple[Hit, ...]]:
        """Add names of persons to what the rules found; code has none, and where two overlap the rule counts."""
        if isinstance(self._names, NoNames):
            return hits
        prose = [number for number, code in enumerate(is_code) if not code]
        found = self._names.find([texts[each] for each in prose], [languages[each] for each in prose])
        for number, names in zip(prose, found, strict=True):
            known = hits[number]
            fresh = [name for name in names if not any(name.start < hit.end and hit.start < name.end for hit in known)]
            if fresh:
                hits[number] = tuple(sorted((*known, *fresh), key=lambda hit: hit.start))
        return hits

    def _describe(
        self,
        kept: Sequence[Item],
        hits: Sequence[tuple[Hit, ...]],
        languages: Sequence[str],
        replaced: Counter[str],
        *,
        dropped: int,
    ) -> Looked:
        passages = [item.passage for item in kept]
        texts = [each.text for each in passages]
        addresses = [address_of(url=each.url) if each.url else "" for each in passages]
        words = split_words([item.data for item in kept])
        judge = self._opt_outs.judge if self._opt_outs is not None else None
        return Looked(
            passages=passages,
            sources=[item.source for item in kept],
            formats=[item.format for item in kept],
            data=[item.data for item in kept],
            digests=[item.digest for item in kept],
            languages=[*languages],
            hits=[tuple((hit, digest_of(hit, self._key)) for hit in found) for found in hits],
            domains=[registrable_domain(address) if address else "" for address in addresses],
            licences=[licences.normalise(each.licence) if each.licence else "" for each in passages],
            stated=[sorted(found) for found in licences.find_in_many(texts, [item.data for item in kept])],
            doubts=doubts_of_words(texts, words, [item.is_code for item in kept], languages),
            touches=[None] * len(texts) if self._index is None else self._index.touches(words),
            reserved=[judge(address) if judge is not None and address else None for address in addresses],
            signatures=None if self._near.action == "off" else signatures(words, self._near.parameters),
            dropped=dropped,
            replaced=replaced,
        )
