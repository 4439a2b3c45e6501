"""Redaction: no found value survives, the same value gets the same token, and nothing real-looking comes in."""

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput, Refused
from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.keys import Key, digest_of, open_key
from kifabrik.datasets.pseudonyms import Pseudonyms
from kifabrik.datasets.redaction import RedactionAction, redact, redact_fully

SCANNER = Scanner(tiers_min=1)
KEY = Key(b"k" * 32)
PSEUDONYMS = Pseudonyms(KEY)
CHANGING = [RedactionAction.PLACEHOLDER, RedactionAction.MASK, RedactionAction.PSEUDONYM, RedactionAction.DROP]
VALUES = {
    "email": "anna.schmidt@firma-köln.de",
    "iban": "NL91 ABNA 0417 1643 00",
    "vat-number": "DE136695976",
    "payment-card": "4539 1488 0343 6467",
    "ip-address": "93.184.216.34",
    "mac-address": "3c:22:fb:9a:10:7e",
    "phone": "+32 2 299 11 11",
    "national-id": "RSSMRA85M01H501Q",
    "travel-document": "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4",
    "secret": "AKIAJ7QKX2LMP4RT6WZ5",
    "url-credentials": "joe:hGf7x2Qp",
    "coordinates": "48°51'24\"N 2°21'03\"E",
    "date-of-birth": "3. Mai 1961",
}
AROUND = {"url-credentials": ("https://", "@db.site.de/"), "date-of-birth": ("geboren am ", ".")}
OTHERS = [
    *("2606:4700:4700::1111", "0171 1234567", "+49 30 12345678", "+33 1 42 68 53 00", "131052-308U", "710319/2745"),
    *("+420 601 123 456", "PESEL 44051401458", "2 95 10 99 126 111 93", "1630615123457", "ghp_" + "aB3" * 12),
    *("4539148803436467", "BSN 111222342", "born 1985-03-12", "lat=48.85661, lon=2.35222", "password = 'hG7$kLm2pQx9'"),
]
PIECES = [*(AROUND.get(kind, ("", ""))[0] + value + AROUND.get(kind, ("", ""))[1] for kind, value in VALUES.items())]


def embed(kind: str) -> str:
    before, after = AROUND.get(kind, ("é😀 ", " ж."))
    return f"Grüße {before}{VALUES[kind]}{after}"


def clean(text: str, action: RedactionAction) -> str:
    hits = SCANNER.scan([text], is_code=[False])
    return redact_fully([text], hits, action=action, pseudonyms=PSEUDONYMS, scanner=SCANNER, is_code=[False])[0]


def real_hits(text: str) -> list[Hit]:
    return [hit for hit in SCANNER.scan([text], is_code=[False])[0] if not hit.is_example]


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("action", CHANGING)
def test_a_value_of_each_kind_is_gone_and_the_rest_stays(kind: str, action: RedactionAction) -> None:
    text = embed(kind)
    assert [hit.kind for hit in real_hits(text)] == [kind]

    done = clean(text, action)

    assert VALUES[kind] not in done
    assert real_hits(done) == []
    if action is not RedactionAction.DROP:
        assert done.startswith("Grüße ")
        assert done.endswith(AROUND.get(kind, ("", " ж."))[1])


@given(
    pieces=st.lists(st.one_of(st.sampled_from(PIECES + OTHERS), st.text(max_size=12)), max_size=8),
    glue=st.sampled_from(["\n", " ", "", ", ", " é😀 "]),
    action=st.sampled_from(CHANGING),
)
@settings(max_examples=150, deadline=None)
def test_no_found_value_survives_and_a_second_scan_finds_nothing(
    pieces: list[str], glue: str, action: RedactionAction
) -> None:
    text = glue.join(pieces)
    found = {text[hit.start : hit.end] for hit in real_hits(text)}

    done = clean(text, action)

    assert not any(value in done for value in found)
    assert real_hits(done) == []


def test_a_found_value_goes_everywhere_even_where_no_rule_saw_it() -> None:
    text = "geboren am 12.03.1985, Akte 12.03.1985/7"

    assert "1985" not in clean(text, RedactionAction.PLACEHOLDER)


def test_report_changes_nothing_and_examples_stay() -> None:
    text = "joe@example.org, anna@firma.de"

    assert clean(text, RedactionAction.REPORT) == text
    assert clean(text, RedactionAction.PLACEHOLDER) == "joe@example.org, [EMAIL]"


def test_a_mask_keeps_length_and_separators() -> None:
    assert clean("x 4539-1488-0343-6467 y", RedactionAction.MASK) == "x ****-****-****-**** y"


@pytest.mark.parametrize("kind", VALUES)
def test_the_same_value_gets_the_same_token_in_every_text(kind: str) -> None:
    first, second = clean(embed(kind), RedactionAction.PSEUDONYM), clean(f"{embed(kind)}\n", RedactionAction.PSEUDONYM)

    assert second == first + "\n"


def test_other_values_and_other_keys_get_other_tokens() -> None:
    hits = SCANNER.scan(["anna@firma.de", "otto@firma.de"], is_code=[False, False])
    tokens = [Pseudonyms(key).replace(each[0], "x") for each in hits for key in (KEY, Key(b"o" * 32))]

    assert len(set(tokens)) == 4


def test_shapes_survive_and_ranges_are_for_documentation() -> None:
    text = "NL91 ABNA 0417 1643 00; 93.184.216.34; 4539-1488-0343-6467; +420 601 123 456; a@b.de"

    iban, address, card, phone, mail = clean(text, RedactionAction.PSEUDONYM).split("; ")

    assert iban.startswith("ZZ00 ")
    assert [len(group) for group in iban.split(" ")] == [4, 4, 4, 4, 2]
    assert address.startswith(("192.0.2.", "198.51.100.", "203.0.113."))
    assert card.startswith("0000-")
    assert phone.startswith("+999 ")
    assert mail.endswith("@example.org")


def test_the_same_telephone_number_in_two_forms_is_one_value() -> None:
    hits = SCANNER.scan(["Tel. 0171 1234567", "+49 171/1234567"], is_code=[False, False])

    assert digest_of(hits[0][0], KEY) == digest_of(hits[1][0], KEY)


def test_redacting_with_no_hits_gives_the_text() -> None:
    assert redact("é😀", (), action=RedactionAction.MASK, pseudonyms=PSEUDONYMS) == "é😀"


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "pseudonyms.key"

    first, second = open_key(place), open_key(place)

    assert first == second
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [entry.name for entry in place.parent.iterdir()] == ["pseudonyms.key"]
    assert "secret" not in repr(first)
    assert first.key_id == second.key_id != Key.fresh().key_id


def test_two_makers_at_once_end_with_one_key(tmp_path: Path) -> None:
    keys: list[Key] = []
    makers = [threading.Thread(target=lambda: keys.append(open_key(tmp_path / "one.key"))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()

    assert len(keys) == 8
    assert len({key.key_id for key in keys}) == 1


def test_a_key_inside_the_dataset_is_refused(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    link = tmp_path / "elsewhere"
    link.symlink_to(dataset)

    for place in (dataset / "a.key", dataset / "deep" / "a.key", link / "a.key"):
        with pytest.raises(InvalidInput, match="handed on with the data"):
            open_key(place, outside=[dataset])
    assert list(dataset.iterdir()) == []


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "a.key"
    open_key(place)
    place.chmod(0o640)
    with pytest.raises(Refused, match="others may read"):
        open_key(place)
    for content in ("", "zz" * 32, "ab" * 16):
        other = tmp_path / f"{len(content)}{content[:1]}.key"
        other.write_text(content)
        other.chmod(0o600)
        with pytest.raises(InvalidInput, match="holds no key"):
            open_key(other)
