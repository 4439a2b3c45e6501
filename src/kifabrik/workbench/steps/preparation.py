"""Steps before training: the dataset is what its card says, the tokenizer is learnt, the texts become tokens."""

import time
from collections.abc import Iterator
from typing import Literal

from tokenizers import Tokenizer

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Severity
from kifabrik.datasets import folder as dataset_folder
from kifabrik.evaluation.canaries import make_book
from kifabrik.training import pair_file, token_file, tokenizer
from kifabrik.training.memo_encoder import MemoEncoder
from kifabrik.training.pairs import PairCounts, PairKind, Source, extract
from kifabrik.training.telemetry import Progress
from kifabrik.workbench.planting import Planting
from kifabrik.workbench.step import StepResult, Walk
from kifabrik.workbench.stop_signal import require_going_on

TELL_SECONDS = 0.5
Split = Literal["train", "held-out"]


def verify_dataset(walk: Walk) -> StepResult:
    """Compare every shard with the card; raises InvalidInput that names the first changed one or a blocking finding.

    Whether serious findings are accepted was decided before a run starts, where the persons are.
    """
    declared = walk.recipe.dataset
    if declared.startswith("sha256:") and declared != walk.card.dataset_digest:
        raise Conflict(
            f"the recipe names dataset {declared[:19]}…, the folder holds {walk.card.dataset_digest[:19]}….",
            where=str(walk.dataset),
            remedy="Give the folder of the dataset version that the recipe names.",
        )
    dataset_folder.verify_shards(walk.dataset)
    blocking = [finding for finding in walk.card.findings if finding.severity is Severity.BLOCKING]
    if blocking:
        raise InvalidInput(
            f"the dataset may not be trained on: {blocking[0].message}",
            where=blocking[0].where or str(walk.dataset),
            remedy=blocking[0].remedy or "Mend the data and check it again.",
            code=blocking[0].code,
        )
    return StepResult(
        figures={
            "train_documents": walk.card.train_documents,
            "held_out_documents": walk.card.held_out_documents,
            "text_bytes": walk.card.text_bytes,
        }
    )


def train_tokenizer(walk: Walk) -> StepResult:
    """Learn the tokenizer on the training split."""
    wanted = walk.recipe.tokenizer.vocabulary
    made = tokenizer.train_tokenizer(_texts(walk, "tokenizer", "train"), vocabulary=wanted)
    tokenizer.save(made, walk.folder.tokenizer)
    if made.get_vocab_size() < wanted:
        walk.warn("tokenizer", f"the text gives {made.get_vocab_size()} vocabulary entries, not {wanted}.")
    return StepResult(outputs=(walk.folder.tokenizer,), figures={"vocabulary": made.get_vocab_size()})


def encode(walk: Walk) -> StepResult:
    """Turn both splits into token files, with the canaries planted in the training split; then the pairs, if any.

    The pairs come now, so that a recipe without any fails before hours of pre-training, not after.
    """
    folder, made = walk.folder, tokenizer.load(walk.folder.tokenizer)
    planting = Planting(
        make_book(walk.recipe.canaries, seed=walk.recipe.seed).planted,
        documents=walk.card.train_documents,
        seed=walk.recipe.seed,
    )
    encoder = _Encoder(made)
    train = token_file.write(
        folder.train_tokens,
        encoder.encode_all(planting.plant(*row) for row in enumerate(_texts(walk, "encoding", "train"))),
        vocabulary=made.get_vocab_size(),
    )
    held_out = token_file.write(
        folder.held_out_tokens,
        encoder.encode_all(_texts(walk, "encoding", "held-out")),
        vocabulary=made.get_vocab_size(),
    )
    figures: dict[str, float] = {
        "train_tokens": train.tokens,
        "held_out_tokens": held_out.tokens,
        "train_text_bytes": train.text_bytes,
        "canary_copies": planting.copies,
    }
    if walk.recipe.fine_tuning:
        figures |= _encode_pairs(walk, walk.recipe.fine_tuning.pairs, made)
    return StepResult(outputs=(folder.train_tokens.parent,), figures=figures)


def _encode_pairs(walk: Walk, kind: PairKind, made: Tokenizer) -> dict[str, float]:
    counts = PairCounts()
    documents = dataset_folder.iterate_documents(walk.dataset, "train")
    sources = (Source(each.format, each.text, each.messages) for each in documents)
    found = extract(sources, kind=kind, counts=counts)
    sizes = pair_file.write(
        walk.folder.pairs,
        found,
        counts=counts,
        tokenizer=made,
        context_tokens=walk.recipe.model.context_tokens,
    )
    if sizes.truncated_completions or sizes.dropped_long_prompts or sizes.unreadable_documents:
        walk.warn(
            "encoding",
            f"of {sizes.pairs + sizes.dropped_long_prompts} pairs, {sizes.truncated_completions} completions are cut "
            f"at the context and {sizes.dropped_long_prompts} are left out because the prompt is too long; "
            f"{sizes.unreadable_documents} documents could not be parsed.",
        )
    return {
        "pairs": sizes.pairs,
        "pairs_truncated": sizes.truncated_completions,
        "pairs_dropped": sizes.dropped_long_prompts,
        "pairs_duplicate": sizes.duplicates,
        "pair_documents": sizes.documents,
        "pair_documents_unreadable": sizes.unreadable_documents,
    }


def _texts(walk: Walk, step: str, split: Split) -> Iterator[str]:
    """Yield the texts of a split, telling progress and stopping when asked."""
    total = walk.card.train_documents if split == "train" else walk.card.held_out_documents
    begun_at = told_at = time.monotonic()
    for number, document in enumerate(dataset_folder.iterate_documents(walk.dataset, split)):
        require_going_on(walk.should_stop)
        if time.monotonic() - told_at >= TELL_SECONDS:
            told_at = time.monotonic()
            left = (told_at - begun_at) / max(1, number) * (total - number)
            walk.report(step)(Progress(done=min(1.0, number / max(1, total)), seconds_left=max(0.0, left)))
        yield document.text


class _Encoder:
    """Encodes texts for a token file; every document starts with the end-of-text token, so its first token counts."""

    def __init__(self, made: Tokenizer) -> None:
        self._encoder = MemoEncoder(made)
        self._end = tokenizer.special_id(made, tokenizer.END_OF_TEXT)

    def encode_all(self, texts: Iterator[str]) -> Iterator[tuple[int, list[int]]]:
        for text in texts:
            yield len(text.encode()), [self._end, *self._encoder.encode(text)]
