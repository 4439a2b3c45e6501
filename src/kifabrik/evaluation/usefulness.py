"""Does the model predict text it has not seen better than a trigram does, and better than before training?

Bits per byte of held-out documents, each token with at least half a context before it where the document has that.
All three are scored on the same tokens; the intervals are bootstraps over documents, of paired differences.
"""

import math
from dataclasses import dataclass

import numpy as np

from kifabrik.core.quantities import format_count
from kifabrik.evaluation import trigram
from kifabrik.evaluation.documents import Array, TokenizedDocuments
from kifabrik.evaluation.language_model import IGNORED, LanguageModel, token_bytes
from kifabrik.evaluation.statistics import Estimate, estimate_ratio, resample
from kifabrik.evaluation.subject import NotRun, Outcome, Subject, Test
from kifabrik.records.evaluation_report import Verdict

TOKENS_SCORED_MAX = 32_000
DOCUMENTS_MIN = 5


@dataclass(frozen=True, slots=True)
class Scores:
    """Bits by document under model, trigram and untrained model, and the bytes and tokens that were scored."""

    model: Array
    trigram: Array
    untrained: Array
    bytes_scored: Array
    tokens_scored: Array


def run(subject: Subject) -> Outcome:
    """Score clean held-out documents three times and compare."""
    texts = _choose(subject)
    scores = _score(subject, texts)
    rounds, seed = subject.recipe.evaluation.bootstrap_rounds, subject.recipe.seed
    draws = resample(len(texts), rounds=rounds, seed=seed)
    model = estimate_ratio(scores.model, scores.bytes_scored, draws)
    to_trigram = estimate_ratio(scores.model - scores.trigram, scores.bytes_scored, draws)
    to_untrained = estimate_ratio(scores.model - scores.untrained, scores.bytes_scored, draws)
    useful = to_trigram.high < 0 and to_untrained.high < 0
    return Outcome(
        verdict=Verdict.GREEN if useful else Verdict.RED,
        reason=_explain(model, to_trigram, to_untrained),
        n=len(texts),
        statistic=model.value,
        interval=model.interval,
        details=_details(scores, draws, to_trigram, to_untrained),
    )


def bits_by_document(model: LanguageModel, documents: list[Array]) -> Array:
    """Give the bits of each document but its first token, with overlapping windows that move by half a context."""
    length = model.context_tokens
    rows, targets, owners = [], [], []
    for owner, document in enumerate(documents):
        for row, target in _windows(document, length):
            rows.append(row)
            targets.append(target)
            owners.append(owner)
    nats = model.log_likelihoods(np.stack(rows), np.stack(targets)).sum(axis=1)
    return np.bincount(owners, weights=-nats / math.log(2), minlength=len(documents))


def _windows(document: Array, length: int) -> list[tuple[Array, Array]]:
    """Cut a document into (inputs, targets); each token but the first is a target exactly once."""
    pieces, scored = [], 1
    for begin in range(0, max(1, len(document) - 1), max(1, length // 2)):
        row, target = np.zeros(length, dtype=np.int64), np.full(length, IGNORED, dtype=np.int64)
        inputs, wanted = document[begin : begin + length], document[begin + 1 : begin + length + 1]
        row[: len(inputs)] = inputs
        target[: len(wanted)] = wanted
        target[: scored - begin - 1] = IGNORED
        pieces.append((row, target))
        scored = begin + 1 + len(wanted)
        if scored >= len(document):
            break
    return pieces


def _choose(subject: Subject) -> list[Array]:
    """Choose clean held-out documents by seed, and of long ones a piece, so that the whole stays affordable."""
    lengths = subject.held_out.lengths
    usable = np.flatnonzero(~subject.overlap.is_dirty & (lengths >= 3))
    if len(usable) < DOCUMENTS_MIN:
        few = format_count(len(usable), "clean held-out document is", "clean held-out documents are")
        raise NotRun(
            f"{few} too few for an interval; at least {DOCUMENTS_MIN} are needed. "
            "Give more documents or a larger held-out share."
        )
    source = np.random.default_rng([subject.recipe.seed, 12])
    wanted = min(len(usable), subject.recipe.evaluation.held_out_documents)
    chosen = np.sort(source.permutation(usable)[:wanted])
    limit = max(64, TOKENS_SCORED_MAX // len(chosen))
    return [_piece(subject.held_out, int(number), limit, source) for number in chosen]


def _piece(documents: TokenizedDocuments, number: int, limit: int, source: np.random.Generator) -> Array:
    document = np.asarray(documents[number], dtype=np.int64)
    begin = int(source.integers(max(1, len(document) - limit)))
    return document[begin : begin + limit + 1]


def _score(subject: Subject, texts: list[Array]) -> Scores:
    model = subject.model
    counted = trigram.count(subject.train, vocabulary=model.vocabulary)
    sizes = token_bytes(subject.tokenizer, model.vocabulary)
    return Scores(
        model=bits_by_document(model, texts),
        trigram=np.array([-counted.log_likelihoods(text).sum() / math.log(2) for text in texts]),
        untrained=bits_by_document(subject.untrained, texts),
        bytes_scored=np.array([sizes[text[1:]].sum() for text in texts]),
        tokens_scored=np.array([len(text) - 1 for text in texts]),
    )


def _explain(model: Estimate, to_trigram: Estimate, to_untrained: Estimate) -> str:
    against = "better than" if to_trigram.high < 0 else "not shown to be better than"
    before = "better than" if to_untrained.high < 0 else "not shown to be better than"
    return (
        f"{model.value:.3f} bits per byte: {against} a trigram ({to_trigram.value:+.3f} "
        f"[{to_trigram.low:+.3f}, {to_trigram.high:+.3f}]) and {before} the untrained model "
        f"({to_untrained.value:+.3f})."
    )


def _details(scores: Scores, draws: Array, to_trigram: Estimate, to_untrained: Estimate) -> dict[str, float | str]:
    per_token = {
        name: estimate_ratio(bits, scores.tokens_scored, draws)
        for name, bits in (("model", scores.model), ("trigram", scores.trigram), ("untrained", scores.untrained))
    }
    perplexities = {f"perplexity_{name}": 2.0**each.value for name, each in per_token.items()}
    bits = {
        f"bits_per_byte_{name}": float(each.sum() / scores.bytes_scored.sum())
        for name, each in (("trigram", scores.trigram), ("untrained", scores.untrained))
    }
    return {
        **perplexities,
        "perplexity_model_low": 2.0 ** per_token["model"].low,
        "perplexity_model_high": 2.0 ** per_token["model"].high,
        **bits,
        "minus_trigram": to_trigram.value,
        "minus_trigram_low": to_trigram.low,
        "minus_trigram_high": to_trigram.high,
        "minus_untrained": to_untrained.value,
        "minus_untrained_high": to_untrained.high,
        "tokens_scored": float(scores.tokens_scored.sum()),
        "baseline": "trigram, interpolated absolute discounting, same tokens",
    }


TEST = Test(
    name="usefulness",
    title="The model predicts better than a simple baseline",
    version=1,
    unit="bits per byte",
    threshold="upper 95 % bound of the difference to the trigram, or to the untrained model, is 0 or more",
    reference="G3; paired bootstrap over documents; baseline after Ney, Essen and Kneser 1994",
    run=run,
)
