"""National identifiers, VAT numbers and documents: one true number for each country, and look-alikes that are none."""

import pytest

from kifabrik.core.findings import Severity
from kifabrik.datasets.detectors import coverage
from kifabrik.datasets.detectors.context import GROUPS, LANGUAGES, words_in
from kifabrik.datasets.detectors.national_rows import FORMS, IDENTIFIERS, LANGUAGES_OF
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.detectors.vat import COUNTRIES

SCANNER = Scanner()
ALONE = [  # numbers that say enough without a word
    ("AT", "1237 010180"), ("BE", "85.07.30-033 28"), ("BE", "85073003328"), ("CZ", "710319/2745"),
    ("DE", "86095742719"), ("DE", "47 036 892 816"), ("DE", "15070649C103"), ("EE", "36805280109"), ("ES", "X2482300W"),
    ("FI", "131052A308T"), ("FR", "2 95 10 99 126 111 93"), ("GR", "01013099997"), ("IT", "RSSMRA85M01H501Q"),
    ("LU", "1893120105732"), ("LV", "161175-19997"), ("PT", "00000000 0 ZZ4"),
    ("RO", "1630615123457"), ("SE", "880320-0016"), ("SI", "0101006500006"),
]  # fmt: skip
BESIDE_A_WORD = [
    ("AT", "SVNR 1237010180"),
    ("AT", "Steuernummer 59-119/9013"),
    ("BG", "ЕГН: 7523169263"),
    ("CY", "tax code 10259033P"),
    ("CZ", "rodné číslo 7103192745"),
    ("DK", "CPR-nr. 211062-5629"),
    ("ES", "DNI 54362315-K"),
    ("FR", "numéro fiscal 3023217600053"),
    ("GR", "ΑΦΜ 094259216"),
    ("HR", "OIB 33392005961"),
    ("HU", "adóazonosító jel 8071592153"),
    ("HU", "TAJ szám: 037 687 210"),
    ("IE", "PPS number 6433435F"),
    ("MT", "ID card, identity no. 0153284M"),
    ("NL", "BSN: 1112.22.333"),
    ("PL", "PESEL 83010411457"),
    ("PL", "NIP 856-734-62-15"),
    ("PT", "contribuinte n.º 501964843"),
    ("SK", "rodné číslo 7103192745"),
]
VAT = [
    *(
        "ATU13585627",
        "BE0403019261",
        "BG175074752",
        "CY10259033P",
        "CZ25123891",
        "DE136695976",
        "DK13585628",
        "EE100931558",
    ),
    *("EL094259216", "ESB58378431", "FI20774740", "FR40303265045", "FR 40 303 265 045", "HR33392005961", "HU12892312"),
    *("IE6433435F", "IE6433435OA", "IT00743110157", "LT119511515", "LU15027442", "LV40003521600", "MT11679112"),
    *("NL004495445B01", "PL8567346215", "PT501964843", "RO18547290", "SE123456789701", "SI50223054", "SK2022749619"),
]
LEFT_ALONE = [
    "1237 010181 and 36574261808 and 131052-308U",  # wrong check digits
    "131352A308T 321375-19997 710399/2745",  # dates that do not exist
    "54362315K, 10259033P, 6433435F",  # too little alone
    "DE136695977 ATU13585626 FR41303265045",  # wrong check digits
    "ADE136695976 XDE136695976",  # no prefix but the end of a word
    "RSSMRA85M01H501X",
    "0.36805280109 and 36805280109.5 and a_36805280109",
    "880320-0016-1 and 2880320-0016",
]


def found(text: str, *, is_code: bool = False, language: str = "") -> list[tuple[str, str, str, int]]:
    hits = SCANNER.scan([text], is_code=[is_code], languages=[language])[0]
    return [(hit.kind, hit.country, text[hit.start : hit.end], hit.tier) for hit in hits]


@pytest.mark.parametrize(("country", "number"), ALONE)
def test_a_number_with_date_and_check_digit_is_found_without_a_word(country: str, number: str) -> None:
    assert found(f"é {number};") == [("national-id", country, number, 3)]


@pytest.mark.parametrize(("country", "text"), BESIDE_A_WORD)
def test_a_weak_number_is_found_beside_a_word(country: str, text: str) -> None:
    language = sorted(LANGUAGES_OF[country])[0]

    (kind, where, number, tier) = found(f"{text}.", language=language)[0]

    assert (kind, where, tier) == ("national-id", country, 2)
    assert text.endswith(number)


@pytest.mark.parametrize("number", VAT)
def test_a_vat_number_of_each_member_state_is_found(number: str) -> None:
    country = {"EL": "GR"}.get(number[:2], number[:2])

    assert found(f"({number})") == [("vat-number", country, number, 3)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_in_code_bare_digits_need_quotes_or_a_word() -> None:
    assert found("x = 36805280109 * y", is_code=True) == []
    assert found('x = "36805280109"', is_code=True) != []
    assert found("x = 36805280109  # isikukood 36805280109", is_code=True) != []


def test_the_language_decides_between_countries_with_the_same_system() -> None:
    assert found("710319/2745", language="sk")[0][1] == "SK"
    assert found("710319/2745", language="cs")[0][1] == "CZ"
    assert found("33309240064", language="lt")[0][1] == "LT"
    assert found("33309240064", language="et")[0][1] == "EE"


def test_every_member_state_has_a_vat_rule_an_identifier_and_an_honest_line() -> None:
    assert set(COUNTRIES) == set(LANGUAGES_OF) == {row.country for row in IDENTIFIERS}
    assert len(LANGUAGES_OF) == 27
    rows = coverage.coverage()
    assert all(row.identifiers for row in rows)
    assert {name for row in IDENTIFIERS for name in row.forms} == set(FORMS)


def test_what_is_not_covered_is_a_finding_with_a_code_of_its_own() -> None:
    findings = coverage.findings()

    assert {finding.severity for finding in findings} == {Severity.NOT_CHECKED}
    assert {"dataset.not-checked.national-ids.CY", "dataset.not-checked.document-numbers"} <= {
        finding.code for finding in findings
    }


def test_context_words_exist_in_24_languages_for_every_group() -> None:
    assert len(LANGUAGES) == 24
    assert {group for group in GROUPS if words_in(f"{group}").groups} <= set(GROUPS)
    assert words_in("Handynummer:").groups == {"phone"}
    assert words_in("N° de TÉLÉPHONE").languages >= {"fr"}
    assert words_in("nothing of that kind").groups == set()


PASSPORT = "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\nC01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4"
CARD = "IDD<<T220001293<<<<<<<<<<<<<<<\n6408125<2010315D<<<<<<<<<<<<<4\nMUSTERMANN<<ERIKA<<<<<<<<<<<<<"


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        (f"scan:\n{PASSPORT}\nend", "travel-document", PASSPORT),
        (f"{CARD}\n", "travel-document", CARD),
        ("Passnummer C01X00T478", "travel-document", "C01X00T478"),
        ("dowód osobisty ABA300000", "travel-document", "ABA300000"),
        ("paszport nr AB5000004", "travel-document", "AB5000004"),
        ("Führerschein B072RRE3I75", "driving-licence", "B072RRE3I75"),
    ],
)
def test_documents_with_check_digits_are_found(text: str, kind: str, part: str) -> None:
    hits = found(text)

    assert [(hit[0], hit[2]) for hit in hits] == [(kind, part)]


def test_documents_with_a_wrong_digit_or_without_a_word_are_left_alone() -> None:
    assert found(PASSPORT.replace("478D", "477D")) == []
    assert found(CARD.replace("6408125<", "6408126<")) == []
    assert found("C01X00T478 and ABA300000") == []
    assert found("Passnummer C01X00T479") == []
