"""The scanner: the rule table compiled for one engine, over blocks of texts. One a process is enough."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.detectors.context import WORDS_DIGEST
from kifabrik.datasets.detectors.engines import EngineName, choose_engine
from kifabrik.datasets.detectors.passes import compile_rules, find_hits
from kifabrik.datasets.detectors.rule import SHAPE, Hit, Sheet
from kifabrik.datasets.detectors.table import RULES, VERSION


class Scanner:
    """Finds personal identifiers in many texts at once.

    Hits below `tiers_min` are left out, in code those below `tiers_min_code`. Two scanners with the same arguments find
    the same, whatever engine they run on.
    """

    def __init__(
        self, engine: EngineName | Literal["auto"] = "auto", tiers_min: int = 2, tiers_min_code: int = 2
    ) -> None:
        self._arguments = (engine, tiers_min, tiers_min_code)
        self._programme = compile_rules(RULES, engine)
        self._tiers_min, self._tiers_min_code = tiers_min, tiers_min_code

    def __reduce__(self) -> tuple[type["Scanner"], tuple[EngineName | Literal["auto"], int, int]]:
        return Scanner, self._arguments  # a compiled engine does not travel; another process compiles its own

    @property
    def engine(self) -> EngineName:
        """The engine that runs."""
        return self._programme.engine.name

    def scan(
        self,
        texts: Sequence[str],
        *,
        is_code: Sequence[bool],
        languages: Sequence[str] | None = None,
        encoded: Sequence[bytes] | None = None,
    ) -> list[tuple[Hit, ...]]:
        """Find the identifiers of each text, in the order of their places; offsets count characters of that text.

        `languages` are ISO 639-1 codes, or empty where unknown; they make national telephone numbers surer. `encoded`
        are the same texts in UTF-8; who has them saves the time to make them.
        """
        if any(each is not None and len(each) != len(texts) for each in (is_code, languages, encoded)):
            raise InvalidInput("the lists that describe the texts are not as long as the list of texts.")
        tongues = languages if languages is not None else [""] * len(texts)

        def make_sheet(number: int) -> Sheet:
            code = is_code[number]
            return Sheet(texts[number], code, tongues[number], self._tiers_min_code if code else self._tiers_min)

        wants_shapes = [(self._tiers_min_code if code else self._tiers_min) <= SHAPE for code in is_code]
        return find_hits(self._programme, texts, make_sheet, encoded=encoded, wants_shapes=wants_shapes)

    def describe(self) -> str:
        """Name the rule table, its digest and the engine, as a card shows them."""
        return describe_rules(self.engine, self._tiers_min)


def describe_rules(engine: EngineName | Literal["auto"] = "auto", tiers_min: int = 2) -> str:
    """Say what a scanner of these arguments would say of itself, without compiling it; raises Unavailable."""
    name = choose_engine(engine)
    return f"rules {VERSION}, sha256:{digest_of_rules()[:16]}, tiers from {tiers_min}, {name}"


def digest_of_rules() -> str:
    """Give the digest of all anchors, edges, labels and context words; it changes when another rule would look."""
    parts = [
        b"\0".join([rule.kind.encode(), rule.label.encode(), repr(rule.edges).encode(), *rule.anchors])
        for rule in RULES
    ]
    return sha256(b"\1".join([VERSION.encode(), WORDS_DIGEST.encode(), *parts])).hexdigest()
