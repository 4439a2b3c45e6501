"""Judging a random sample of findings in context: who may, what is kept, and what it says about precision."""

import pytest
from tests.portal.catalogue.factories import NOW, digest_like, find_in, make_found_version, make_place, make_version
from tests.portal.compute.factories import store
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.catalogue.models import SampledFinding
from kifabrik.portal.catalogue.queries.samples import get_sampled, precision_of
from kifabrik.portal.catalogue.services import finding_rows, samples
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db

ANNA = "anna@muster.example"
TEXTS = {f"mails/{n:03d}.txt": f"Nr. {n} 🌍 an {ANNA}, mit Gruß" for n in range(30)}


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def version(place):
    return make_found_version(place, TEXTS, find_in(TEXTS, ANNA))


def look(place, version, *, by=None):
    return samples.look(by=by or place.manager, version=version, kind="email", now=NOW)


# ---- the draw --------------------------------------------------------------------------------------------------------


def test_registering_draws_up_to_a_hundred_of_each_kind_the_same_every_time(place, monkeypatch) -> None:
    monkeypatch.setattr(finding_rows, "SAMPLE_PER_KIND", 5)
    rows = [*find_in(TEXTS, ANNA), *find_in(TEXTS, "Gruß", kind="phone")]

    first = make_found_version(place, TEXTS, rows)
    drawn = list(first.sample.values_list("kind", "document"))
    SampledFinding.objects.all().delete()
    finding_rows.draw_sample(first, next(entry_of(first)))

    assert len(drawn) == 10
    assert list(first.sample.values_list("kind", "document")) == drawn
    assert sorted(drawn) != [("email", f"mails/{n:03d}.txt") for n in range(5)]  # not simply the first ones


def entry_of(version):
    from kifabrik.portal.compute.services.files import FileEntry

    return (FileEntry(**file) for file in version.files if file["path"] == "findings.jsonl")


def test_the_draw_is_even(place, monkeypatch) -> None:
    monkeypatch.setattr(finding_rows, "SAMPLE_PER_KIND", 400)
    rows = [{**find_in(TEXTS, ANNA)[0], "start": n, "end": n + 1} for n in range(2000)]

    version = make_found_version(place, TEXTS, rows)

    early = version.sample.filter(start__lt=1000).count()
    assert 150 < early < 250  # the draw depends on nothing but the bytes, so this never changes


@pytest.mark.parametrize(
    "change",
    [
        {"value": ANNA},  # a clear value
        {"digest": "sha256:" + "0" * 64},
        {"digest": ANNA},
        {"start": 5, "end": 5},
        {"start": -1},
        {"start": True},
        {"tier": 9},
        {"kind": "E-Mail"},
        {"country": "Germany"},
        {"document": ""},
        {"document": "x" * 1001},
    ],
)
def test_a_row_with_anything_else_in_it_is_refused_and_named(place, change) -> None:
    rows = find_in(TEXTS, ANNA)
    rows[2] = {**rows[2], **change}

    with pytest.raises(InvalidInput) as error:
        make_found_version(place, TEXTS, rows)

    assert error.value.where == "findings.jsonl:3"
    assert SampledFinding.objects.count() == 0


def test_rows_that_are_not_those_of_the_card_are_refused(place) -> None:
    with pytest.raises(InvalidInput) as error:
        make_found_version(
            place, TEXTS, find_in(TEXTS, ANNA), findings_file={"digest": "sha256:" + "0" * 64, "rows": 30}
        )

    assert error.value.where == "findings.jsonl"


def test_a_version_without_rows_is_registered_as_before(place) -> None:
    version = make_version(place)

    assert version.sample.count() == 0
    assert look(place, version) == ()


# ---- looking ---------------------------------------------------------------------------------------------------------


def test_the_words_around_a_finding_are_shown_and_kept_nowhere(place, version) -> None:
    shown = look(place, version)

    assert len(shown) == samples.SHOWN_AT_ONCE
    assert {row.excerpt.here for row in shown} == {ANNA}
    assert all(row.excerpt.before.endswith(" 🌍 an ") for row in shown)
    kept = " ".join(str(row.__dict__) for row in SampledFinding.objects.all())
    assert ANNA not in kept + " ".join(str(event.details) for event in AuditEvent.objects.all())


def test_every_look_is_written_down_with_its_documents(place, version) -> None:
    look(place, version)

    event = AuditEvent.objects.get(verb="finding-sample.seen")
    assert (event.actor_id, event.object_id) == (place.manager.pk, version.pk)
    assert len(event.details["documents"]) == samples.SHOWN_AT_ONCE


def test_a_place_that_the_stored_text_does_not_hold_is_said(place) -> None:
    rows = [{**find_in(TEXTS, ANNA)[0], "start": 5000, "end": 5010}, find_in(TEXTS, ANNA)[1]]

    shown = look(place, make_found_version(place, TEXTS, rows))

    assert sorted(row.excerpt is None for row in shown) == [False, True]


def test_replaced_values_cannot_be_shown(place) -> None:
    version = make_found_version(
        place, TEXTS, find_in(TEXTS, ANNA), redaction={"action": "placeholder", "key_id": "key-1"}
    )

    with pytest.raises(Conflict, match="replaced"):
        look(place, version)
    assert not AuditEvent.objects.filter(verb="finding-sample.seen").exists()


# ---- judging ---------------------------------------------------------------------------------------------------------


def test_judgements_give_a_precision_with_wilsons_interval(place, version) -> None:
    for number, row in enumerate(look(place, version)):
        samples.judge(by=place.manager, finding=row.finding, is_true=number != 0, now=NOW)

    (row,) = precision_of(version)
    assert (row.kind, row.drawn, row.judged, row.right, row.left) == ("email", 30, 10, 9, 20)
    assert row.percent == 90
    assert row.interval == pytest.approx((59.58, 98.21), abs=0.01)
    assert len(look(place, version)) == samples.SHOWN_AT_ONCE  # the next ten


def test_without_judgements_nothing_is_claimed(version) -> None:
    (row,) = precision_of(version)

    assert (row.percent, row.interval) == (None, None)


def test_a_judgement_stands_and_repeating_it_is_harmless(place, version) -> None:
    finding = version.sample.first()

    for _ in range(2):
        samples.judge(by=place.manager, finding=finding, is_true=True, now=NOW)
    with pytest.raises(Conflict):
        samples.judge(by=place.manager, finding=finding, is_true=False, now=NOW)

    event = AuditEvent.objects.get(verb="finding-sample.judged")
    assert event.details["digest"] == digest_like(ANNA)


def test_a_finding_of_another_version_is_not_found(place, version) -> None:
    other = make_found_version(place, TEXTS, find_in(TEXTS, "Gruß", kind="phone"), name="others")

    with pytest.raises(NotFound):
        get_sampled(other, version.sample.first().pk)


# ---- who may ---------------------------------------------------------------------------------------------------------


def people(place):
    return {
        "member without a role": make_user(organisations=[place.organisation]),
        "applicant elsewhere": make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]),
        **{
            str(role): make_user(roles=[role], organisations=[place.organisation])
            for role in Role
            if role != "applicant"
        },
    }


def test_only_members_with_the_right_see_and_judge(place, version) -> None:
    finding = version.sample.first()
    for who, user in people(place).items():
        with pytest.raises(Refused):
            look(place, version, by=user)
        with pytest.raises(Refused):
            samples.judge(by=user, finding=finding, is_true=True, now=NOW)
        finding.refresh_from_db()
        assert finding.is_true is None, who
    assert not AuditEvent.objects.filter(verb__startswith="finding-sample").exists()


def test_the_pages_are_closed_to_everybody_else(client, place, version) -> None:
    from kifabrik.portal.catalogue.services import datasets

    datasets.set_visibility(by=place.manager, dataset=version.dataset, is_public=True, now=NOW)
    urls = [f"/dataset-versions/{version.pk}/findings/", f"/dataset-versions/{version.pk}/findings/email/"]

    for url in urls:
        assert client.get(url).status_code == 302
        assert ANNA not in client.get(url, follow=True).content.decode()
    for user in people(place).values():
        client.force_login(user)
        for url in urls:
            page = client.get(url)
            assert page.status_code == 403
            assert ANNA not in page.content.decode()
        assert client.post(f"{urls[1]}judge/", {f"finding-{version.sample.first().pk}": "yes"}).status_code == 403


def test_a_member_judges_on_the_page(client, place, version) -> None:
    client.force_login(place.manager)
    overview = client.get(f"/dataset-versions/{version.pk}/findings/").content.decode()
    assert "0 of 30" in overview

    page = client.get(f"/dataset-versions/{version.pk}/findings/email/")
    assert f"<mark>{ANNA}</mark>" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    first, second = version.sample.all()[:2]
    answer = client.post(
        f"/dataset-versions/{version.pk}/findings/email/judge/",
        {f"finding-{first.pk}": "yes", f"finding-{second.pk}": "no", "finding-x": "yes", "other": "yes"},
    )

    assert answer.url == f"/dataset-versions/{version.pk}/findings/email/"
    overview = client.get(f"/dataset-versions/{version.pk}/findings/").content.decode()
    assert "2 of 30" in overview
    assert "50 %" in overview


def test_an_odd_answer_judges_nothing(client, place, version) -> None:
    client.force_login(place.manager)
    first = version.sample.first()

    client.post(f"/dataset-versions/{version.pk}/findings/email/judge/", {f"finding-{first.pk}": "maybe"})

    assert precision_of(version)[0].judged == 0


def test_the_page_says_when_there_is_nothing_to_judge(client, place) -> None:
    client.force_login(place.manager)

    assert b"No list of findings came" in client.get(f"/dataset-versions/{make_version(place).pk}/findings/").content


def test_a_program_looks_and_judges(client, place, version) -> None:
    headers = bearer(make_token(place.manager))
    reader = bearer(make_token(place.manager, scopes=[Scope.READ]))
    base = f"/api/v1/dataset-versions/{version.pk}/sample"

    def post(url, body=None, headers=headers):
        return client.post(url, body or {}, content_type="application/json", headers=headers)

    assert client.get(base).status_code == 401
    assert client.get(base, headers=reader).json()[0]["drawn"] == 30
    assert post(f"{base}/email/look", headers=reader).status_code == 403
    rows = post(f"{base}/email/look").json()
    assert rows[0]["here"] == ANNA
    assert post(f"{base}/{rows[0]['id']}/judge", {"is_true": False}).status_code == 204
    assert post(f"{base}/{rows[0]['id']}/judge", {"is_true": True}).status_code == 409
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])
    assert post(f"{base}/email/look", headers=bearer(make_token(stranger))).status_code == 404


def test_jobs_get_no_list_of_persons(place, version) -> None:
    from tests.portal.catalogue.factories import start

    run = start(place, version)

    assert "findings.jsonl" not in {file["path"] for file in run.inputs}
    assert "card.json" in {file["path"] for file in run.inputs}


def test_findings_of_a_real_check_are_shown_in_its_stored_shards(place, tmp_path) -> None:
    from kifabrik.datasets.check import check_dataset
    from kifabrik.datasets.folder import read_card
    from kifabrik.portal.catalogue.services import datasets
    from kifabrik.portal.compute.services.files import FileEntry
    from kifabrik.records.dataset_card import DeclaredOrigin

    texts = tmp_path / "texts"
    texts.mkdir()
    for number in range(12):
        (texts / f"{number}.txt").write_text(
            f"Nr. {number} 🌍: Bitte an anna{number}@firma-muster.de schreiben, danke sehr."
        )
    origin = DeclaredOrigin(title="Letters", licence="MIT", source="our desk", source_kind="own")
    check_dataset([texts], out=tmp_path / "set", name="letters", origin=origin, now=NOW)
    files = []
    for path in sorted((tmp_path / "set").iterdir()):
        digest = store(place.organisation, place.manager, path.read_bytes())
        files.append(FileEntry(path.name, digest, path.stat().st_size))
    version = datasets.register(
        by=place.manager,
        organisation=place.organisation,
        name="letters",
        card=read_card(tmp_path / "set"),
        files=files,
        now=NOW,
    )

    shown = look(place, version)

    assert len(shown) == 10
    for row in shown:
        number = row.finding.document.removesuffix(".txt")
        assert row.excerpt.here == f"anna{number}@firma-muster.de"
        assert row.excerpt.before == f"Nr. {number} 🌍: Bitte an "
