"""Names: none looked for, cue words, and a token classifier from a folder (random weights: shapes, not accuracy)."""

from itertools import pairwise
from pathlib import Path

import pytest

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets.detectors.names import CueNames, NoNames
from kifabrik.datasets.detectors.names_model import TransformersNames

CUED = [
    ("de", "Sehr geehrte Frau Dr. Anna von der Heide, guten Tag", ["Dr. Anna von der Heide"]),
    ("fr", "M. Jean Dupont et Mme Curie", ["Jean Dupont", "Curie"]),
    ("pl", "Imię i nazwisko: Anna Kowalska\nulica", ["Anna Kowalska"]),
    ("el", "η κα Μαρία Παππά", ["Μαρία Παππά"]),
    ("", "Mr. J. Smith, pan Jan Novák", ["J. Smith", "Jan Novák"]),
]
LEFT_ALONE = [("de", "Frau und Herr sind Wörter"), ("en", "drama, Name of the file, pan Jan"), ("en", "Dr.")]


@pytest.mark.parametrize(("language", "text", "names"), CUED)
def test_a_title_or_a_label_points_at_a_name(language: str, text: str, names: list[str]) -> None:
    hits = CueNames().find([text], [language])[0]

    assert [text[hit.start : hit.end] for hit in hits] == names
    assert {(hit.kind, hit.tier) for hit in hits} == {("name", 2)}


@pytest.mark.parametrize(("language", "text"), LEFT_ALONE)
def test_words_without_a_name_are_left_alone(language: str, text: str) -> None:
    assert CueNames().find([text], [language]) == [()]


def test_each_detector_says_what_it_did() -> None:
    assert NoNames().method == "none"
    assert NoNames().find(["Frau Anna Schmidt"], ["de"]) == [()]
    assert "names without one are not found" in CueNames().method


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory) -> dict[str, Path]:
    """Tiny BERT token classifiers: `random`, `all` (says I-PER to every token), `places` (has no label for persons)."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(33, 127)] + list("äöüéñżа")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    raw = Tokenizer(models.WordPiece({word: place for place, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = normalizers.NFC(), pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]")
    folders = {}
    for name, labels in {
        "random": ["O", "B-PER", "I-PER"],
        "all": ["O", "B-PER", "I-PER"],
        "places": ["O", "B-LOC", "I-LOC"],
    }.items():
        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=64, id2label=dict(enumerate(labels)),
        )  # fmt: skip
        model = BertForTokenClassification(config)
        if name == "all":
            model.classifier.bias.data = torch.tensor([0.0, 0.0, 50.0])
        folders[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(folders[name])
        tokenizer.save_pretrained(folders[name])
    return folders


def test_a_model_reads_long_texts_in_overlapping_windows_and_joins_what_it_finds(classifiers) -> None:
    text = "Józef Müller \U0001f600 wohnt \ud800 hier. " * 40
    names = TransformersNames(classifiers["all"], window_tokens=32, overlap_tokens=8)

    hits = names.find([text, "", "  "], ["de", "", ""])

    assert [(hit.start, hit.end) for hit in hits[0]] == [(0, len(text.rstrip()))]
    assert hits[1:] == [(), ()]
    assert names.truncated_texts == 0


def test_what_a_window_limit_leaves_unread_is_counted(classifiers) -> None:
    text = "Anna " * 300
    names = TransformersNames(classifiers["all"], window_tokens=32, overlap_tokens=8, windows_max=3)

    hits = names.find([text, "Anna"], ["de", "de"])

    assert hits[0][-1].end < len(text) / 2
    assert names.truncated_texts == 1
    assert "1 texts read only in part" in names.method


def test_hits_of_a_model_stay_inside_the_text_and_apart(classifiers) -> None:
    text = "Élodie Żak, Ø 12 – Анна; O'Neill-Smith\n" * 9
    hits = TransformersNames(classifiers["random"], window_tokens=24, overlap_tokens=6).find([text], [""])[0]

    assert all(0 <= hit.start < hit.end <= len(text) and text[hit.start : hit.end].strip() for hit in hits)
    assert all(first.end <= second.start for first, second in pairwise(hits))


def test_a_model_is_named_by_its_digest(classifiers) -> None:
    first, second = (TransformersNames(classifiers[name]).method for name in ("random", "all"))

    assert first.startswith("BertForTokenClassification sha256:")
    assert first != second


def test_a_folder_without_a_model_or_without_a_label_for_persons_is_refused(classifiers, tmp_path) -> None:
    with pytest.raises(NotFound, match="holds no config"):
        TransformersNames(tmp_path)
    with pytest.raises(InvalidInput, match="no label for persons"):
        TransformersNames(classifiers["places"])
