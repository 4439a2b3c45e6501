"""The pages of catalogue and exchange in a real browser, and the try-it box with its stream."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.browser.conftest import NARROW
from tests.browser.test_frame import look_at
from tests.portal.catalogue.factories import (
    NOW,
    SERIOUS,
    digest_like,
    find_in,
    finish,
    make_candidate,
    make_found_version,
    make_place,
    make_version,
    start,
)
from tests.portal.catalogue.serving import serving

from kifabrik.core.findings import Finding, Severity
from kifabrik.datasets import split
from kifabrik.passport.data_protection import Processing
from kifabrik.portal.catalogue.services import erasure, processing, publication, samples
from kifabrik.portal.exchange import services as exchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _own_home(home):
    return home


@pytest.fixture
def place():
    return make_place()


def published(place, **candidate):
    release = make_candidate(place, name="letters", **candidate)
    return publication.publish(by=place.manager, release=release, is_public=True, now=NOW)


def test_dataset_pages_are_accessible_and_whole(browser, client, place) -> None:
    version = make_version(place, findings=(SERIOUS,))
    start(place, make_version(place, name="mails"))
    browser.sign_in(place.manager, client)

    look_at(browser, "/datasets/", name="datasets")
    look_at(browser, f"/datasets/{version.dataset_id}/", name="dataset")


RICH = {
    "split_rule": split.describe(0.02, 7),
    "files_skipped": 2,
    "skipped": [
        {"path": "letters/old.txt", "reason": "not UTF-8 text: byte 2 is 0xFC"},
        {"path": "letters/.draft.txt", "reason": "hidden"},
    ],
    "personal_data": [
        {"kind": "email", "findings": 12, "documents": 9, "tiers": {"3": 2, "2": 8, "1": 2}},
        {
            "kind": "national-id",
            "findings": 7,
            "documents": 4,
            "tiers": {"3": 6, "2": 1},
            "countries": {"DE": 4, "FR": 3},
        },
        {"kind": "iban", "findings": 4, "documents": 4, "tiers": {"3": 4}, "countries": {"DE": 3, "FR": 1}},
    ],
    "languages": {"de": 9, "en": 6, "fr": 3, "und": 2},
    "lengths": {"<256": 3, "<512": 1, "<1024": 12, "<2048": 9, "<8192": 5, "<16384": 1},
    "domains": [
        {"domain": f"a-rather-long-name-{n}.example.org", "documents": 5, "text_bytes": 50_000 // n} for n in (1, 2, 3)
    ],
    "domains_count": 7,
    "licences_detected": {"MIT": 3},
    "licences_declared": {"CC-BY-4.0": 11},
    "quality": [{"code": "s", "title": "Fewer than 50 words", "source": "Rae et al. 2021", "doubted_documents": 6}],
    "deduplication": {
        "method": "MinHash LSH; every removed document verified by true Jaccard against the kept one",
        "shingle_words": 5,
        "permutations": 128,
        "bands": 32,
        "rows": 4,
        "threshold": 0.8,
        "candidate_pairs": 10,
        "verified_pairs": 4,
        "clusters": 3,
        "removed_documents": 4,
        "removed_bytes": 999,
    },
    "decontamination": {"ngram_words": 13, "evaluation_sets": {"arc": 2}, "removed_documents": 2},
    "opt_outs": [
        {
            "kind": "robots.txt",
            "path": "example.org/robots.txt",
            "domain": "example.org",
            "digest": "sha256:" + "0" * 64,
            "dated_on": "2026-11-01",
            "reserves": True,
        }
    ],
    "rights": {"documents_with_address": 18, "documents_judged": 15, "reserved_documents": 2, "reserved_bytes": 10},
    "conversations": [{"form": "alpaca", "rows": 5, "converted": True}],
}
SAID = (
    Finding(
        "dataset.elsewhere.kept",
        Severity.WARNING,
        "20 documents are near-duplicates of documents of the dataset letters-of-last-year.",
        where="letters-of-last-year sha256:0fc58b9bab29",
        remedy="Leave them out if both are trained on, or if one tests a model that learnt from the other.",
    ),
    Finding(
        "dataset.files-skipped",
        Severity.WARNING,
        "3 files or records were not read, the first is letters/a.txt: not UTF-8 text: byte 12 is 0xFF.",
        remedy="Look at the list on the card; convert what should be part of the dataset, or give large files more "
        "time with --parse-seconds.",
    ),
)
ANNA = "anna@muster.example"
TEXTS = {
    f"mails/{n:03d}.txt": f"Sehr geehrte Damen und Herren, bitte antworten Sie an {ANNA}, Gruß {n}" for n in range(12)
}


def test_the_card_of_a_dataset_is_drawn_accessibly(browser, client, place) -> None:
    version = make_found_version(place, TEXTS, find_in(TEXTS, ANNA), findings=(SERIOUS,), **RICH)
    processing.declare(
        by=place.manager,
        dataset=version.dataset,
        processing=Processing(role="controller", purpose="a model that answers letters"),
        now=NOW,
    )
    for finding in version.sample.all()[:3]:
        samples.judge(by=place.manager, finding=finding, is_true=finding.rank > 1, now=NOW)
    browser.sign_in(place.manager, client)

    look_at(browser, f"/datasets/{version.dataset_id}/", name="dataset-card")
    look_at(browser, f"/datasets/{version.dataset_id}/processing/", name="processing")
    look_at(browser, f"/dataset-versions/{version.pk}/findings/", name="sample")
    look_at(browser, f"/dataset-versions/{version.pk}/findings/email/", name="sample-kind")


CAPTIONS_OUT_OF_SIGHT = """
return [...document.querySelectorAll('.table caption')].filter(caption => {
  const table = caption.closest('.table');
  table.querySelector('table').style.minWidth = '60rem';
  caption.append(' which goes on for so many words that it needs more than one line of a narrow window');
  table.scrollLeft = 150;
  const words = document.createRange();
  words.selectNodeContents(caption);
  const [inside, seen] = [words.getBoundingClientRect(), table.getBoundingClientRect()];
  return !inside.width || inside.left < seen.left || inside.right > seen.right;
}).map(caption => caption.textContent);
"""


def test_captions_stay_in_sight_in_a_narrow_window_however_wide_and_scrolled_their_table(
    browser, client, place
) -> None:
    version = make_version(place, **RICH)
    browser.sign_in(place.manager, client).look(width=NARROW).open(f"/datasets/{version.dataset_id}/")

    assert len(browser.driver.find_elements(By.CSS_SELECTOR, ".table caption")) >= 3
    assert browser.driver.execute_script(CAPTIONS_OUT_OF_SIGHT) == []
    assert not browser.scrolls_sideways()


def test_the_card_is_whole_in_german_too_with_what_other_datasets_hold(browser, client, place) -> None:
    first = make_version(place, name="letters-of-last-year")
    others = {f"letters-of-last-year {first.digest}": 20, "a-collection-from-elsewhere sha256:" + "e" * 64: 3}
    near = {**RICH["deduplication"], "other_datasets": others}
    quality = [{**RICH["quality"][0], "title": "Code in prose: holds a curly bracket"}]
    changes = {**RICH, "deduplication": near, "quality": quality, "findings": (SERIOUS, *SAID)}
    version = make_version(place, **changes, not_checked=("names and addresses of persons",))
    release = make_candidate(place, version=first, name="answers")
    place.manager.language = "de"
    place.manager.save()
    browser.sign_in(place.manager, client)

    look_at(browser, f"/datasets/{version.dataset_id}/", name="dataset-card-german")
    text = browser.driver.find_element(By.TAG_NAME, "main").text
    assert "20 Dokumente sind Fast-Dubletten von Dokumenten des Datensatzes letters-of-last-year." in text
    assert "Code im Fließtext: enthält eine geschweifte Klammer" in text
    assert "Namen und Anschriften von Personen" in text
    assert "verified" not in text
    look_at(browser, f"/releases/{release.pk}/", name="release-german")
    assert "die Regeln der Ausschreibung\nRegel" in browser.driver.find_element(By.TAG_NAME, "main").text


def test_the_pages_for_requests_of_erasure_are_accessible_and_whole(browser, client, place) -> None:
    version = make_found_version(place, TEXTS, find_in(TEXTS, ANNA))
    make_version(place, name="plain")
    publication.publish(
        by=place.manager, release=make_candidate(place, version=version, name="answers"), is_public=False, now=NOW
    )
    asked = erasure.search(
        by=place.manager,
        organisation=place.organisation,
        reference="DP 7/2026",
        received_on=NOW.date(),
        key_id="key-1",
        digests=[digest_like(ANNA)],
        now=NOW,
    )
    browser.sign_in(place.manager, client)

    look_at(browser, "/erasure/", name="erasure")
    look_at(browser, f"/erasure/{asked.pk}/", name="erasure-request")


def test_the_start_of_a_training_is_accessible_and_shows_its_estimate(browser, client, place) -> None:
    make_version(place)
    browser.sign_in(place.manager, client)
    look_at(browser, f"/runs/new/?allocation={place.allocation.pk}", name="training")
    browser.open(f"/runs/new/?allocation={place.allocation.pk}")
    browser.driver.find_element(By.CSS_SELECTOR, "button[value=estimate]").click()

    browser.wait_for("#estimate-title")

    assert browser.driver.find_elements(By.CSS_SELECTOR, "button[value=start]")


def test_model_and_release_pages_are_accessible_and_whole(browser, client, place) -> None:
    release = published(place)
    red = make_candidate(place, red=("usefulness",), missing=("extraction",))
    run = finish(place, start(place))
    browser.sign_in(place.manager, client)

    look_at(browser, "/models/", name="models")
    look_at(browser, f"/models/{release.model_id}/", name="model")
    look_at(browser, f"/releases/{release.pk}/", name="release")
    look_at(browser, f"/releases/{red.pk}/", name="candidate")
    look_at(browser, f"/releases/{release.pk}/passport/", name="passport")
    look_at(browser, f"/releases/new/?run={run.pk}", name="propose")


def test_support_pages_are_accessible_and_whole(browser, client, place) -> None:
    asked = exchange.ask(
        by=place.manager, organisation=place.organisation, subject="Loss is NaN", text="After step 3.", now=NOW
    )
    browser.sign_in(place.manager, client)

    look_at(browser, "/support/", name="support")
    look_at(browser, "/support/new/", name="ask")
    look_at(browser, f"/support/{asked.pk}/", name="support-request")


def test_the_try_it_box_streams_into_the_page(browser, place, settings) -> None:
    release = published(place)
    browser.open(f"/releases/{release.pk}/")
    address = browser.driver.current_url
    browser.driver.find_element(By.NAME, "prompt").send_keys("Hello ")

    with serving(settings, models=["letters:1"], pieces=["Dear ", "customer", "."]):
        browser.driver.find_element(By.CSS_SELECTOR, "form[data-trial] button").click()
        answer = browser.driver.find_element(By.CSS_SELECTOR, "[data-trial-answer]")
        status = browser.driver.find_element(By.CSS_SELECTOR, "[data-trial-status]")
        WebDriverWait(browser.driver, 20).until(lambda _: status.text == "The model has finished.")

    assert answer.text == "Hello Dear customer."
    assert browser.driver.current_url == address  # the page stayed where it was
    assert browser.complaints() == []


def test_the_try_it_box_says_when_nobody_serves(browser, place, settings) -> None:
    settings.SERVING_URL = "http://127.0.0.1:9"
    release = published(place)
    browser.open(f"/releases/{release.pk}/")
    browser.driver.find_element(By.NAME, "prompt").send_keys("Hello")

    browser.driver.find_element(By.CSS_SELECTOR, "form[data-trial] button").click()

    status = browser.driver.find_element(By.CSS_SELECTOR, "[data-trial-status]")
    WebDriverWait(browser.driver, 20).until(lambda _: "does not answer" in status.text)
