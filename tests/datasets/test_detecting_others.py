"""Telephones of 27 countries, secrets, addresses with passwords, coordinates, hardware addresses, dates of birth."""

import base64
import json
from zlib import crc32

import pytest

from kifabrik.datasets.detectors.scanner import Scanner

SCANNER = Scanner()
EVERY_TIER = Scanner(tiers_min=1)
BESIDE_A_WORD = [
    ("de", "Telefon: 030/1234567", "+49301234567"),
    ("de", "Mobil (0171) 1234567", "+491711234567"),
    ("de", "Tel. 0049 30 1234567", "+49301234567"),
    ("fr", "tél. 01.42.68.53.00", "+33142685300"),
    ("it", "Telefono 02 8812 3456", "+390288123456"),
    ("es", "móvil 612345678", "+34612345678"),
    ("pl", "tel. kom. 601 123 456", "+48601123456"),
    ("pl", "tel. 12 345 67 89", "+48123456789"),
    ("nl", "Telefoon 020-6212345", "+31206212345"),
    ("hu", "telefon: (06 1) 234 5678", "+3612345678"),
    ("lt", "tel. (8-5) 234 5678", "+37052345678"),
    ("bg", "тел. 02 912 34 56", "+35929123456"),
    ("el", "τηλ. 210 1234567", "+302101234567"),
    ("sv", "tfn 08-123 456 78", "+46812345678"),
    ("da", "tlf. 32 12 34 56", "+4532123456"),
    ("mt", "telefon 2122 3456", "+35621223456"),
]
NO_PHONES = [
    "01.02.2024, 2024-11-24, 2006-2023, 20240131",
    "RFC 2045 2046 2047 and 512 1024 2048",
    "ISBN 978 3 16 148410 0",
    "phone 12345678901234567",
    "0.0301234567 and 030 123",
]
JWT_HEAD = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).decode().rstrip("=")
JWT_REST = ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
NO_ALGORITHM = base64.urlsafe_b64encode(json.dumps({"typ": "somewhat"}).encode()).decode().rstrip("=")


def make_github_token(body: str) -> str:
    rest, digits = crc32(body.encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"ghp_{body}{digits.rjust(6, '0')}"


GITHUB = make_github_token("x7KqP2mVb9RtLw4ZcN8sYd3HfJ6gQe")
SECRETS = [
    ("aws_access_key_id = AKIAJ7QKX2LMP4RT6WZ5", "AKIAJ7QKX2LMP4RT6WZ5", 2),
    (f"token {GITHUB} end", GITHUB, 3),
    (f"token {GITHUB[:-1]}_", "", 0),
    ("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", "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", 2),
    (JWT_HEAD + JWT_REST, JWT_HEAD + JWT_REST, 3),
    (NO_ALGORITHM + JWT_REST, "", 0),
    ("password = 'hG7$kLm2pQx9Zt'", "hG7$kLm2pQx9Zt", 2),
    ('"api_key": "9fK2mQ7xLpZ4tR8v"', "9fK2mQ7xLpZ4tR8v", 2),
    ("password = get_password(request)", "", 0),
    ("secret: my-long-name-of-a-thing", "", 0),
    ("token = /var/lib/token/File01", "", 0),
    ("-----BEGIN PUBLIC KEY-----\n" + "QUJD" * 20 + "\n-----END PUBLIC KEY-----", "", 0),
]  # fmt: skip


def cut(scanner: Scanner, text: str, *, language: str = "", is_code: bool = False) -> list[tuple[str, str, int]]:
    hits = scanner.scan([text], is_code=[is_code], languages=[language])[0]
    return [(hit.kind, text[hit.start : hit.end], hit.tier) for hit in hits]


@pytest.mark.parametrize(("language", "text", "number"), BESIDE_A_WORD)
def test_a_national_number_beside_a_word_is_found_and_read(language: str, text: str, number: str) -> None:
    hits = SCANNER.scan([f"{text}, ja"], is_code=[False], languages=[language])[0]

    assert [(hit.kind, hit.tier, hit.value) for hit in hits] == [("phone", 2, number)]


def test_without_a_word_the_groups_and_the_language_decide() -> None:
    assert cut(SCANNER, "au 01 42 68 53 00.", language="fr") == [("phone", "01 42 68 53 00", 2)]
    assert cut(SCANNER, "au 01 42 68 53 00.", language="en") == [
        ("phone", "01 42 68 53 00", 2)
    ]  # five groups of a plan
    assert cut(SCANNER, "at 0171 1234567.", language="de") == [("phone", "0171 1234567", 2)]
    assert cut(SCANNER, "at 0171 1234567.", language="en") == [("phone", "0171 1234567", 2)]  # eleven digits
    assert cut(SCANNER, "at 02 123456.", language="en") == []
    assert cut(EVERY_TIER, "at 02 123456.", language="en") == [("phone", "02 123456", 1)]
    assert cut(EVERY_TIER, "au 0 142 685 300.", language="en") == []


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("de", "Zentrale 0711 / 12 34 567, dann", "0711 / 12 34 567"),  # groups of no plan
        ("es", "o 91 123 45 67 ya", "91 123 45 67"),
        ("pl", "albo 22 123 4567 w", "22 123 4567"),
        ("mt", "jew 2122 3456 fil", "2122 3456"),
        ("en", "the 601-123-456 then", "601-123-456"),  # three groups of a plan that are no amount
        ("en", "of (0711) 123456 then", "(0711) 123456"),
        ("en", "of ((06 1) 234 5678) then", "(06 1) 234 5678"),  # Hungary writes the prefix apart
        ("de", "Zentrale Tel.030 1234567", "030 1234567"),
    ],
)
def test_what_groups_prefix_and_language_say_together(language: str, text: str, found: str) -> None:
    assert cut(SCANNER, text, language=language) == [("phone", found, 2)]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("costs 512 662 896 in all", "en"),  # an amount
        ("costs (512 662 896) in all", "en"),
        ("costs\n512.662.896\nin all", "en"),
        ("o 12 345 678 ya", "es"),
        ("albo 512 1024 2048 w", "pl"),
        ("of 12 34 56 78 then", "en"),
        ("pages (5125-7537)", "en"),
        ('"0123456789"', "en"),
        ("Nummer 0131109277 da", "de"),
    ],
)
def test_what_may_be_an_amount_or_a_mere_number_is_no_telephone(text: str, language: str) -> None:
    assert cut(SCANNER, text, language=language) == []


@pytest.mark.parametrize(
    "frame",
    [
        '"{}"',
        "„{}“",
        "«{}»",
        "a ({}) b",
        "a [{}]",
        "<td>{}</td>",
        "| {} |",
        "a\t{}\tb",
        "a\n{}\nb",
        "a\n {}.\n",
        "a, {}, b",
    ],
)
def test_a_number_alone_in_its_frame_needs_no_word(frame: str) -> None:
    assert cut(SCANNER, frame.format("34-45-75-16"), language="en") == [("phone", "34-45-75-16", 2)]
    assert cut(SCANNER, frame.format("0131109277"), language="de") == [("phone", "0131109277", 2)]


@pytest.mark.parametrize(
    "text", ["(34-45-75-16", "34-45-75-16)", '"34-45-75-16', "a: 34-45-75-16 b", "x 34-45-75-16\n"]
)
def test_half_a_frame_is_none(text: str) -> None:
    assert cut(SCANNER, text, language="en") == []


def test_quotes_hold_what_may_be_an_amount() -> None:
    assert cut(SCANNER, 'x = "212 425 298"', is_code=True) == [("phone", "212 425 298", 2)]
    assert cut(SCANNER, 'x = 212 425 298, "212425298"', is_code=True) == []


def test_two_groups_with_a_full_stop_are_a_telephone_beside_a_word_only() -> None:
    assert cut(SCANNER, "τηλ. 96.785397", language="el") == [("phone", "96.785397", 2)]
    assert cut(SCANNER, "# telefon - 9697.6099", is_code=True) == [("phone", "9697.6099", 2)]
    assert cut(SCANNER, "Είναι 96.785397 μέτρα.", language="el") == []
    assert cut(SCANNER, "x = 96.785397\ny = '9697.6099'", is_code=True) == []
    assert cut(SCANNER, "0142.685300", language="fr") == [("phone", "0142.685300", 2)]  # no fraction begins so


@pytest.mark.parametrize("text", NO_PHONES)
def test_dates_tables_and_versions_are_no_telephones(text: str) -> None:
    assert cut(SCANNER, text, language="de") == []


def test_in_code_a_national_number_stands_in_quotes_or_beside_a_word() -> None:
    assert cut(EVERY_TIER, "x = [01, 42, 68]; y = 0142685300", is_code=True) == []
    assert cut(SCANNER, 'x = "01 42 68 53 00"', is_code=True) == [("phone", "01 42 68 53 00", 2)]
    assert cut(SCANNER, "# phone 0142685300", is_code=True) == [("phone", "0142685300", 2)]


@pytest.mark.parametrize(("text", "secret", "tier"), SECRETS)
def test_secrets_are_known_by_mark_checksum_or_entropy(text: str, secret: str, tier: int) -> None:
    assert cut(SCANNER, text) == ([("secret", secret, tier)] if secret else [])


def test_secrets_that_call_themselves_examples_are_examples() -> None:
    hits = SCANNER.scan(["AKIAIOSFODNN7EXAMPLE and password='changeme-Now1x9'"], is_code=[False])[0]

    assert [hit.is_example for hit in hits] == [True, True]


def test_a_password_in_an_address_is_found_and_its_host_is_no_mailbox() -> None:
    text = "postgres://joe:hGf7x2Qp@db.site.de/x and https://db.site.de:80/@joe and user:pass@host.de"

    assert ("url-credentials", "joe:hGf7x2Qp", 2) in cut(SCANNER, text)
    assert ("email", "hGf7x2Qp@db.site.de", 2) not in cut(SCANNER, text)
    hits = SCANNER.scan(["https://user:password@example.org/"], is_code=[False])[0]
    assert [(hit.kind, hit.is_example) for hit in hits] == [("url-credentials", True)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at 48°51'24\"N 2°21'03\"E", "48°51'24\"N 2°21'03\"E"),
        ("GPS 48.85661, 2.35222;", "48.85661, 2.35222"),
        ("geo:48.20849,16.37208", "48.20849,16.37208"),
        ('{"lat": 48.85661, "lon": 2.35222}', '48.85661, "lon": 2.35222'),
        ("a matrix 48.85661, 2.35222", ""),
        ("coordinates 98.85661, 2.35222", ""),
        ("coordinates 48.000, 2.35222", ""),
    ],
)
def test_coordinates_need_degrees_a_scheme_or_a_word(text: str, found: str) -> None:
    assert cut(SCANNER, text) == ([("coordinates", found, 2)] if found else [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("geb. am 3. Mai 1961 in Köln", "3. Mai 1961"),
        ("née le 12 mars 1985", "12 mars 1985"),
        ("Date of birth: 1985-03-12", "1985-03-12"),
        ("born March 12, 1985,", "March 12, 1985"),
        ("роден на 12.03.1985 г.", "12.03.1985"),
        ("γεννήθηκε στις 3 Μαΐου 1961", "3 Μαΐου 1961"),
        ("urodzona 12 marca 1985", "12 marca 1985"),
        ("released on 1985-03-12", ""),
        ("born 1985-02-31", ""),
        ("born 12 Brumaire 1985", ""),
    ],
)
def test_a_date_of_birth_follows_a_word_that_says_so(text: str, found: str) -> None:
    assert cut(SCANNER, text) == ([("date-of-birth", found, 2)] if found else [])


def test_hardware_addresses_of_one_card_are_found() -> None:
    assert cut(SCANNER, "ether 3c:22:fb:9a:10:7e txqueuelen") == [("mac-address", "3c:22:fb:9a:10:7e", 2)]
    assert cut(SCANNER, "3C-22-FB-9A-10-7E") == [("mac-address", "3C-22-FB-9A-10-7E", 2)]
    assert cut(SCANNER, "01:00:5e:7f:ff:fa ff:ff:ff:ff:ff:ff 3c:22:fb:9a:10:7e:01:02 3c:22-fb:9a-10:7e") == []
    hits = SCANNER.scan(["00:00:5e:00:53:01, 00:11:22:33:44:55"], is_code=[False])[0]
    assert [hit.is_example for hit in hits] == [True, True]
