"""Takes personal identifiers out of a text: placeholder, mask, or keyed pseudonym. Knows hits, not how they are found.

A pseudonym is the same for the same value under the same key, keeps the shape where that is possible, and is never
real-looking: it comes from ranges set aside for documentation and fiction, or from numbers nobody can have.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.pseudonyms import Pseudonyms

_ROUNDS_MAX = 4
_MASKED = re.compile(r"[^\W_]")


class RedactionAction(StrEnum):
    """What happens to identifiers that were found."""

    REPORT = "report"
    PLACEHOLDER = "placeholder"
    MASK = "mask"
    PSEUDONYM = "pseudonym"
    DROP = "drop"


_FINAL = frozenset({RedactionAction.REPORT, RedactionAction.DROP})


def redact(text: str, hits: Sequence[Hit], *, action: RedactionAction, pseudonyms: Pseudonyms) -> str:
    """Give the text without the values of `hits`; examples stay, REPORT changes nothing, DROP leaves nothing.

    Further places where a found value stands word for word are replaced too, even where no rule saw it.
    """
    real = sorted((hit for hit in hits if not hit.is_example), key=lambda hit: hit.start)
    if action is RedactionAction.REPORT or not real:
        return text
    if action is RedactionAction.DROP:
        return ""
    by_surface: dict[str, str] = {}
    pieces: list[str] = []
    done = 0
    for hit in real:
        surface = text[hit.start : hit.end]
        replacement = _replace(hit, surface, action, pseudonyms)
        by_surface[surface] = replacement
        pieces += [text[done : hit.start], replacement]
        done = hit.end
    pieces.append(text[done:])
    elsewhere = re.compile("|".join(re.escape(surface) for surface in sorted(by_surface, key=len, reverse=True)))
    return "".join(
        piece if place % 2 else elsewhere.sub(lambda match: by_surface[match[0]], piece)
        for place, piece in enumerate(pieces)
    )


def redact_fully(
    texts: Sequence[str],
    hits: Sequence[Sequence[Hit]],
    *,
    action: RedactionAction,
    pseudonyms: Pseudonyms,
    scanner: Scanner,
    is_code: Sequence[bool],
    languages: Sequence[str] | None = None,
) -> list[str]:
    """Redact texts and look again, until the scanner finds nothing but examples.

    A second look is needed because one identifier may hide another that overlaps it. What is still found after the
    last round is masked.
    """
    done = list(texts)
    open_hits = list(enumerate(hits))
    for round_number in range(_ROUNDS_MAX):
        last = round_number == _ROUNDS_MAX - 1
        chosen = RedactionAction.MASK if last and action not in _FINAL else action
        touched = [number for number, found in open_hits if any(not hit.is_example for hit in found)]
        by_number = dict(open_hits)
        for number in touched:
            done[number] = redact(done[number], by_number[number], action=chosen, pseudonyms=pseudonyms)
        if not touched or action in _FINAL:
            break
        again = scanner.scan(
            [done[number] for number in touched],
            is_code=[is_code[number] for number in touched],
            languages=[languages[number] for number in touched] if languages is not None else None,
        )
        open_hits = list(zip(touched, again, strict=True))
    return done


def _replace(hit: Hit, surface: str, action: RedactionAction, pseudonyms: Pseudonyms) -> str:
    if action is RedactionAction.PLACEHOLDER:
        return f"[{hit.kind.upper()}]"
    if action is RedactionAction.MASK:
        return _MASKED.sub("*", surface)
    return pseudonyms.replace(hit, surface)
