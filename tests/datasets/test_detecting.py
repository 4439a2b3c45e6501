"""Detectors: each kind found where it stands, to the character, and each look-alike left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.detectors.table import KINDS, RULES

FOUND = [
    ("email", "Write to anna.schmidt+news@firma-köln.de.", "anna.schmidt+news@firma-köln.de"),
    ("email", "<O'Neill@Pcg-Random.ORG>", "O'Neill@Pcg-Random.ORG"),
    ("email", "邮箱x@y.com的", "x@y.com"),
    ("email", "γιάννης@παράδειγμα.ελ", "γιάννης@παράδειγμα.ελ"),
    ("iban", "IBAN NL91 ABNA 0417 1643 00 BIC ABNANL2A", "NL91 ABNA 0417 1643 00"),
    ("iban", "(FR7630006000011234567890189)", "FR7630006000011234567890189"),
    ("payment-card", "Karte 12 4539 1488 0343 6467 12/27", "4539 1488 0343 6467"),
    ("payment-card", "card no. 4539148803436467, thanks", "4539148803436467"),
    ("payment-card", "amex 3742-454554-00126", "3742-454554-00126"),
    ("ip-address", "connect from 93.184.216.34:443 closed", "93.184.216.34"),
    ("ip-address", "dns 9.9.9.9.", "9.9.9.9"),
    ("ip-address", "[2606:2800:220:1:248:1893:25c8:1946]:80", "2606:2800:220:1:248:1893:25c8:1946"),
    ("ip-address", "host 2606:4700:4700::1111", "2606:4700:4700::1111"),
    ("phone", "Tel. +49 (0)30 12345678, abends", "+49 (0)30 12345678"),
    ("phone", "+32 2 299 11 11 2024", "+32 2 299 11 11"),
    ("phone", "appelez +33\u00a01\u00a042\u00a068\u00a053\u00a000", "+33\u00a01\u00a042\u00a068\u00a053\u00a000"),
]
LEFT_ALONE = [
    "pip install torch@git.py, icon@2x.png, @decorator and foo@localhost",
    "Message-ID: <142480216486.20800.16526388040877946887@nightshade.la.mastaler.com>",
    "a@b@c.de",
    "IBAN NL92 ABNA 0417 1643 00",  # wrong checksum
    "XX91ABNA0417164300",  # no such country
    "card 4539 1488 0343 6468",  # wrong checksum
    "4539 1488 0343 6467 4539 1488",  # a table of numbers
    "card 9999 9999 9999 9995",  # no issuer
    "0.4539148803436467",
    "order 1234567890123",
    "version 9.12.13.14 and v93.184.216.34 and >=93.184.216.34",
    'STREET = ObjectIdentifier("2.5.4.9")',
    "see section 8.2.4.44 or 3.1.2.1 there",
    "93.184.216.34.7 and 93.184.216.300 and 093.184.216.34",
    "network 93.184.216.0/24",
    "x[2000::3], 12:30:45, fe80::1, ::1, a::b",
    "Decimal('+35236450.6')",
    "+49 30",
    "x +4915112345678abc",
    "+999 12345678",
]
EXAMPLES = [
    ("email", "joe@example.com, x@y.example, me@mail.example.org", 3),
    ("iban", "DE89 3704 0044 0532 0130 00", 1),
    ("payment-card", "card 4111 1111 1111 1111", 1),
    ("ip-address", "from 127.0.0.1 to 192.168.1.20 or 203.0.113.9 or 2001:db8::1", 4),
    ("phone", "+1-202-555-0143 or +44 20 7946 0123", 2),
]

KINDS_OF_THE_CARD = {
    *("email", "phone", "iban", "payment-card", "vat-number", "national-id", "travel-document", "driving-licence"),
    *("ip-address", "mac-address", "secret", "url-credentials", "coordinates", "date-of-birth"),
}

SCANNER = Scanner(tiers_min=1)


def scan(text: str, *, is_code: bool) -> tuple[Hit, ...]:
    return SCANNER.scan([text], is_code=[is_code])[0]


def cut(text: str, hits: tuple[Hit, ...]) -> list[tuple[str, str]]:
    return [(hit.kind, text[hit.start : hit.end]) for hit in hits]


@pytest.mark.parametrize(("kind", "text", "value"), FOUND)
def test_an_identifier_is_found_where_it_stands(kind: str, text: str, value: str) -> None:
    hits = scan(text, is_code=False)

    assert cut(text, hits) == [(kind, value)]
    assert not hits[0].is_example


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_look_alike_is_left_alone(text: str) -> None:
    assert cut(text, scan(text, is_code=False)) == []


@pytest.mark.parametrize(("kind", "text", "count"), EXAMPLES)
def test_documentation_values_are_examples_and_no_personal_data(kind: str, text: str, count: int) -> None:
    hits = scan(text, is_code=False)

    assert [(hit.kind, hit.is_example) for hit in hits] == [(kind, True)] * count


def test_code_needs_stronger_signs() -> None:
    text = "y = x +4915112345678 + 4539148803436467 + a@b.sum + left@right.transpose()"

    assert cut(text, scan(text, is_code=True)) == []
    assert len(scan(text, is_code=False)) == 4


def test_a_quoted_phone_number_in_code_is_found() -> None:
    text = "call('+4915112345678')"

    assert cut(text, scan(text, is_code=True)) == [("phone", "+4915112345678")]


def test_tiers_say_how_sure_a_hit_is() -> None:
    text = "4539148803433\n\nKreditkarte: 4539148803436467\n\n4539 1488 0343 6467"

    assert [hit.tier for hit in scan(text, is_code=False)] == [1, 2, 3]


def test_the_country_of_accounts_and_phones_is_known() -> None:
    hits = scan("NL91ABNA0417164300 und +43 1 5880058", is_code=False)

    assert [hit.country for hit in hits] == ["NL", "AT"]


def test_every_kind_of_the_table_has_a_label_a_threshold_and_a_rule_for_examples() -> None:
    assert {rule.kind for rule in RULES} == set(KINDS) == KINDS_OF_THE_CARD
    assert all(rule.label and rule.serious_from >= 1 and rule.examples for rule in RULES)


def make_iban(digits: str) -> str:
    return f"DE{98 - int(digits + '131400') % 97:02d}{digits}"


def make_card(digits: str) -> str:
    number = "4539" + digits
    return number + luhn.calc_check_digit(number)


VALUES = st.one_of(
    st.from_regex(r"[a-z]{2,8}\.[a-z]{2,8}@[a-z]{3,9}\.(de|fr|eu)", fullmatch=True).map(lambda text: ("email", text)),
    st.from_regex(r"[0-9]{18}", fullmatch=True).map(lambda text: ("iban", make_iban(text))),
    st.from_regex(r"[0-9]{11}", fullmatch=True).map(lambda text: ("payment-card", iban.format(make_card(text)))),
)
AROUND = st.text(st.characters(codec="utf-8", categories=["Lo", "Zs", "So"], exclude_characters="\u00aa\u00ba"))


@given(value=VALUES, before=AROUND, after=AROUND)
def test_offsets_are_exact_in_text_of_many_bytes(value: tuple[str, str], before: str, after: str) -> None:
    kind, clear = value
    text = f"{before}\n{clear}\n{after} 😀 {clear}"

    hits = [hit for hit in scan(text, is_code=False) if hit.kind == kind]

    assert cut(text, tuple(hits)) == [value, value]
    assert hits[0].value == hits[1].value


@given(text=st.text(alphabet="0123456789+.-: @abcdefDE/()\n", max_size=200), is_code=st.booleans())
def test_hits_never_overlap_and_stay_inside_any_text(text: str, is_code: bool) -> None:
    hits = scan(text, is_code=is_code)

    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
    assert all(first.end <= second.start for first, second in pairwise(hits))


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "@",
            "a@",
            "1.",
            "1",
            "+1 ",
            "2001:",
            "AB12 ",
            "a.",
            "1 2-",
            "0 ",
            "030 ",
            "12 34 ",
            "12345678901 ",
            "DE1",
            "ES1A",
        ),
        *(
            "eyJ",
            "eyJa.",
            "://a:",
            "-----BEGIN ",
            "password=",
            "12-34-",
            "1.1234, ",
            "1° ",
            "lat=1",
            "1.1.1985 ",
            "né ",
        ),
        *(
            "<",
            "A<",
            "1234567M",
            "0171/",
            "(0",
            "tel",
            "AKIAAAAA",
            "é@",
            "\u00a0",
            "eyJaaaa-",
            "-----BEGIN PRIVATE KEY-----\nA",
        ),
    ],
)
def test_hostile_repetition_takes_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))

    assert len(scan(text, is_code=False)) < len(text)  # pytest would run for minutes on quadratic work
