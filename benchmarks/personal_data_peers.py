"""Runs one peer over documents in a file; started by `personal_data.py` with the interpreter of the peers' environment.

PEERS_PYTHON benchmarks/personal_data_peers.py PEER DOCUMENTS.jsonl OUT.json
"""

import json
import sys
import time
from pathlib import Path

FAMILY = {
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "payment-card",
    "IP_ADDRESS": "ip-address",
    "PHONE_NUMBER": "phone",
}
EU_REGIONS = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
EU_RECOGNISERS = (
    "DeTaxIdRecognizer", "DeSocialSecurityRecognizer", "DeVatIdRecognizer", "EsNifRecognizer", "EsNieRecognizer",
    "FiPersonalIdentityCodeRecognizer", "ItFiscalCodeRecognizer", "ItVatCodeRecognizer", "PlPeselRecognizer",
    "SePersonnummerRecognizer",
)  # fmt: skip
VAT = {"IT_VAT_CODE", "DE_VAT_ID"}


def presidio(which: str):
    """Make an analyser with the no-op engine: patterns and checksums, no language model."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer import predefined_recognizers as known
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    registry = RecognizerRegistry(supported_languages=["en"])
    generic = [known.EmailRecognizer(), known.IbanRecognizer(), known.CreditCardRecognizer(), known.IpRecognizer()]
    if which == "eu":
        generic += [getattr(known, name)(supported_language="en") for name in EU_RECOGNISERS if hasattr(known, name)]
        generic.append(known.PhoneRecognizer(supported_regions=EU_REGIONS))
    for recognizer in generic:
        registry.add_recognizer(recognizer)
    analyzer = AnalyzerEngine(
        registry=registry,
        nlp_engine=NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}]),
        supported_languages=["en"],
    )

    def find(text: str) -> list[tuple[str, int, int]]:
        results = analyzer.analyze(text=text, language="en")
        return [(_family(result.entity_type), result.start, result.end) for result in results]

    return find


def _family(entity: str) -> str:
    return FAMILY.get(entity) or ("vat-number" if entity in VAT else "national-id")


def datatrove():
    """Make datatrove's formatter; it replaces, so its two patterns are asked for the places."""
    from datatrove.pipeline.formatters.pii import PIIFormatter

    formatter = PIIFormatter()

    def find(text: str) -> list[tuple[str, int, int]]:
        formatter.format(text)
        return []

    def places(text: str) -> list[tuple[str, int, int]]:
        mails = [("email", *match.span()) for match in formatter.emails_replacer.regex.finditer(text)]
        replacer = formatter.ip_replacer
        addresses = [
            ("ip-address", *match.span()) for match in replacer.regex.finditer(text) if replacer.validator(match[0])
        ]
        return mails + addresses

    return find, places


def main() -> None:
    """Time the peer on all documents and write what it found."""
    peer, documents, out = sys.argv[1:]
    texts = [json.loads(line) for line in Path(documents).read_text().splitlines()]
    find, places = datatrove() if peer == "datatrove" else (presidio(peer.removeprefix("presidio-")), None)
    for text in texts[:3]:
        find(text)
    begun = time.process_time()
    found = [find(text) for text in texts]
    seconds = time.process_time() - begun
    if places is not None:
        found = [places(text) for text in texts]
    Path(out).write_text(json.dumps({"cpu_seconds": seconds, "found": found}))


if __name__ == "__main__":
    main()
