"""A release is verified offline; whatever was changed is named, and nothing unsigned or unsafe gets through."""

import dataclasses
import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_signing import verifying
from tests.passport.factories import NOW, TESTS, make_papers, make_release, make_report, make_result

from kifabrik.core import canonical, digests
from kifabrik.core.errors import Conflict, InvalidInput, NotFound
from kifabrik.core.findings import Severity
from kifabrik.passport import bundle, signing
from kifabrik.passport.keys import ensure_key
from kifabrik.passport.verification import TrustedKey, verify
from kifabrik.records import Passport, Verdict


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def release(signed, tmp_path):
    return Path(shutil.copytree(signed[0], tmp_path / "release"))


def resign(folder, place):
    """Sign a folder anew with another key, as a forger or a careless factory would."""
    (folder / "passport.sig").unlink()
    key = ensure_key(place / "other-keys")
    signing.sign(folder, key=key)
    return key


def blocking(report):
    return {(each.where, each.code) for each in report.findings if each.severity is Severity.BLOCKING}


def change_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_an_untouched_release_is_genuine(signed):
    folder, key = signed

    report = verify(folder, trusted_keys=(TrustedKey(pem=key.public_pem),))

    assert report.is_genuine
    assert report.first_fault is None
    assert (report.model_name, report.release_version, report.key_id) == ("acme-support", "1", key.key_id)
    assert report.files == len([path for path in folder.rglob("*") if path.is_file()])
    assert report.findings == ()


def test_without_a_trusted_key_the_report_says_that_no_origin_is_proven(release):
    report = verify(release)

    assert report.is_genuine
    assert [each.code for each in report.findings] == ["key.unknown"]


def test_the_library_that_signs_agrees_with_our_verifier(release):
    def library_accepts():
        config = verifying.Config().use_elliptic_key_verifier(public_key=release / "passport.pub")
        try:
            config.verify(release, release / "passport.sig")
        except ValueError:
            return False
        return True

    assert library_accepts()
    (release / "README.md").write_text("another card")
    assert not library_accepts()
    assert not verify(release).is_genuine


def test_a_changed_byte_in_the_model_is_named(release):
    path = release / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    fault = verify(release).first_fault

    assert fault.where == "model/model.safetensors"
    assert "changed" in fault.message


def test_a_changed_number_in_the_passport_is_named(release):
    path = release / "passport.json"
    text = path.read_text()
    assert text.count("2000000000000") == 1
    path.write_text(text.replace("2000000000000", "1000000000000"))

    fault = verify(release).first_fault

    assert fault.where == "passport.json"
    assert "changed" in fault.message


FILES = (
    "README.md", "dataset-card.json", "evaluation.json", "manifest.json", "mlbom.cdx.json", "model/config.json",
    "model/model.safetensors", "model/tokenizer.json", "passport.json", "passport.pub", "passport.sig", "recipe.json",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(FILES), place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_any_changed_byte_of_any_file_is_named(signed, name, place, mask):
    folder, _ = signed
    path = folder / name
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[int(place * len(whole))] ^= mask
    try:
        path.write_bytes(changed)
        report = verify(folder)
    finally:
        path.write_bytes(whole)

    assert not report.is_genuine
    # Key and signature hold each other: a changed key may show as a signature that does not fit it.
    expected = {"passport.pub", "passport.sig"} if name in ("passport.pub", "passport.sig") else {name}
    assert report.first_fault.where in expected


def test_every_file_of_a_release_is_in_the_byte_test(signed):
    folder, _ = signed

    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(FILES)


def test_the_first_of_several_changed_files_is_named_first(release):
    for name in ("recipe.json", "README.md", "model/config.json"):
        (release / name).write_text("{}")

    assert verify(release).first_fault.where == "README.md"


@pytest.mark.parametrize("name", [".gitattributes", ".git/hooks.py", "model/extra.json", "notes.txt", ".hidden"])
def test_an_unlisted_file_is_refused_git_files_too(release, name):
    (release / name).parent.mkdir(exist_ok=True)
    (release / name).write_text("x")

    assert (name, "file.unlisted") in blocking(verify(release))


def test_an_empty_folder_is_refused(release):
    (release / "model" / "more").mkdir()

    assert blocking(verify(release)) == {("model/more/", "file.unlisted")}


def test_a_missing_file_is_named(release):
    (release / "recipe.json").unlink()

    assert blocking(verify(release)) == {("recipe.json", "file.missing")}


def test_swapped_files_are_named(release):
    one, other = release / "model" / "config.json", release / "model" / "tokenizer.json"
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])

    assert {where for where, _ in blocking(verify(release))} == {"model/config.json", "model/tokenizer.json"}


@pytest.mark.parametrize("target", ["README.md", "model"])
def test_a_link_is_refused_even_to_the_same_content(release, target, tmp_path):
    real = tmp_path / "elsewhere"
    (release / target).rename(real)
    (release / target).symlink_to(real)

    assert (target, "file.link") in blocking(verify(release))


@pytest.mark.parametrize("name", ["a\nb.json", "back\\slash", "cafe\u0301.txt", "zero\u200bwidth"])
def test_an_unsafe_name_is_refused(release, name):
    (release / name).write_text("x")

    assert {code for _, code in blocking(verify(release))} == {"file.name"}


@pytest.mark.parametrize("name", ["passport.sig", "passport.pub"])
def test_without_signature_or_key_nothing_is_verified(release, name):
    (release / name).unlink()

    assert blocking(verify(release)) == {(name, "signature-missing")}


def test_another_key_than_the_trusted_one_is_refused(signed, tmp_path):
    folder, _ = signed
    stranger = ensure_key(tmp_path)

    report = verify(folder, trusted_keys=(TrustedKey(pem=stranger.public_pem),))

    assert blocking(report) == {("passport.sig", "key.wrong")}


def test_a_forger_who_signs_anew_is_found_by_his_key(release, signed, tmp_path):
    (release / "README.md").write_text("forged")
    resign(release, tmp_path)

    report = verify(release, trusted_keys=(TrustedKey(pem=signed[1].public_pem),))

    assert ("passport.sig", "key.wrong") in blocking(report)


@pytest.mark.parametrize(
    ("validity", "code"),
    [
        ({"valid_until": date(2026, 11, 23)}, "key.expired"),
        ({"valid_from": date(2026, 11, 25)}, "key.expired"),
        ({"revoked_on": date(2026, 12, 1)}, "key.revoked"),
        ({"valid_from": date(2026, 11, 24), "valid_until": date(2026, 11, 24)}, None),
    ],
)
def test_a_key_counts_on_its_own_days_only(signed, validity, code):
    folder, key = signed

    report = verify(folder, trusted_keys=(TrustedKey(pem=key.public_pem, **validity),))

    assert {each for _, each in blocking(report)} == ({code} if code else set())


def test_code_and_pickle_are_refused_even_when_they_are_signed(release, tmp_path):
    (release / "model" / "modeling_x.py").write_text("import os")
    (release / "model" / "pytorch_model.bin").write_bytes(b"\x80\x04")
    (release / "run.sh").write_text("rm")
    resign(release, tmp_path)

    found = blocking(verify(release))

    assert ("model/modeling_x.py", "model.code") in found
    assert ("model/pytorch_model.bin", "model.pickle") in found
    assert ("run.sh", "file.foreign") in found


def test_a_hostile_header_is_refused_even_when_it_is_signed(release, tmp_path):
    (release / "model" / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}")
    resign(release, tmp_path)

    assert ("model/model.safetensors", "model.header") in blocking(verify(release))


@pytest.mark.parametrize(
    ("name", "change", "where"),
    [
        ("passport.json", lambda each: each["run"]["compute"].update(flop=1), "manifest.json"),
        ("passport.json", lambda each: each["evaluation"].update(model_digest="sha256:" + "0" * 64), "evaluation.json"),
        ("passport.json", lambda each: each["dataset"].update(text_bytes=1), "dataset-card.json"),
        ("passport.json", lambda each: each["gate"].update(verdict="red"), "passport.json"),
        ("passport.json", lambda each: each["files"].update({"README.md": "sha256:" + "0" * 64}), "passport.json"),
        ("passport.json", lambda each: each.update(schema_version=2), "passport.json"),
        ("manifest.json", lambda each: each.update(attempts=9), "manifest.json"),
        ("evaluation.json", lambda each: each.update(samples=["x"]), "evaluation.json"),
        ("recipe.json", lambda each: each.update(seed=1), "recipe.json"),
        ("dataset-card.json", lambda each: each.update(name=3), "dataset-card.json"),
    ],
)
def test_papers_that_contradict_each_other_are_refused_even_when_they_are_signed(
    release, tmp_path, name, change, where
):
    change_json(release / name, change)
    resign(release, tmp_path)

    report = verify(release)

    assert (where, "content.contradiction") in blocking(report)


def test_another_model_than_the_evaluated_one_is_refused_even_when_it_is_signed(release, tmp_path):
    (release / "model" / "config.json").write_text('{"another": 1}')
    resign(release, tmp_path)

    assert ("model", "content.contradiction") in blocking(verify(release))


def test_a_red_gate_is_told_and_does_not_make_the_release_a_forgery(tmp_path):
    def red(papers):
        evaluation = papers.evaluation.model_copy(
            update={
                "results": tuple(
                    make_result(each, **({"verdict": Verdict.RED} if each == "usefulness" else {})) for each in TESTS
                )
            }
        )
        run = papers.run.model_copy(update={"evaluation_digest": evaluation.digest()})
        return {"evaluation": evaluation, "run": run}

    from tests.passport.factories import make_model_folder

    papers = make_papers(make_model_folder(tmp_path / "draft" / "model"))
    folder, _ = make_release(tmp_path, **red(papers))

    report = verify(folder)

    assert report.is_genuine
    assert {each.code: each.severity for each in report.findings}["gate.red"] is Severity.SERIOUS
    assert Passport.read(folder / "passport.json").gate.verdict is Verdict.RED


def test_no_folder_is_no_release(tmp_path):
    with pytest.raises(NotFound):
        verify(tmp_path / "none")


def test_a_folder_that_is_signed_or_holds_links_is_not_signed_again(release, signed, tmp_path):
    with pytest.raises(Conflict):
        signing.sign(release, key=signed[1])

    (release / "passport.sig").unlink()
    (release / "link").symlink_to(tmp_path)
    with pytest.raises(InvalidInput):
        signing.sign(release, key=signed[1])
    assert not (release / "passport.sig").exists()


NAMES_NOT_SAFE = ["/etc/passwd", "../x", "a/../b", "a//b", ".", "", "a/", "cafe\u0301", "a\0b", "a\\b", "a\u202eb", 3]


@pytest.mark.parametrize("name", NAMES_NOT_SAFE)
def test_a_listed_name_may_not_leave_the_folder(name):
    with pytest.raises(InvalidInput):
        bundle.require_safe_names(["README.md", name], where="passport.sig")


def test_a_listed_name_may_not_stand_there_twice():
    with pytest.raises(InvalidInput):
        bundle.require_safe_names(["README.md", "README.md"], where="passport.sig")


def test_a_bundle_that_leaves_files_out_of_the_signature_is_refused(signed):
    folder, _ = signed
    parsed = bundle.parse((folder / "passport.sig").read_bytes(), where="passport.sig")
    statement = json.loads(parsed.payload)
    statement["predicate"]["serialization"]["ignore_paths"] = ["passport.sig", "model/model.safetensors"]
    forged = dataclasses.replace(parsed, payload=json.dumps(statement).encode())

    with pytest.raises(InvalidInput, match="leaves files out"):
        bundle.read_listing(forged, where="passport.sig", signature_name="passport.sig")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "dsseEnvelope",
                        "payload",
                        "signatures",
                        "mediaType",
                        "verificationMaterial",
                        "publicKey",
                        "hint",
                        "sig",
                    ]
                ),
                each,
            )
        ),
    ).map(canonical.encode)
)
def test_any_bytes_are_no_bundle_and_are_refused_in_one_sentence(data):
    with pytest.raises(InvalidInput):
        bundle.parse(data, where="passport.sig")


def test_the_dataset_digest_must_fit_its_own_list_of_files(tmp_path):
    from tests.passport.factories import make_card, make_model_folder

    card = make_card()
    wrong = card.model_copy(update={"dataset_digest": digests.digest_bytes(b"another")})
    papers = make_papers(make_model_folder(tmp_path / "draft" / "model"))
    evaluation = make_report(model_digest=papers.model.model_digest, dataset_digest=wrong.dataset_digest)
    run = papers.run.model_copy(
        update={"dataset_digest": wrong.dataset_digest, "evaluation_digest": evaluation.digest()}
    )
    folder, _ = make_release(tmp_path, dataset=wrong, evaluation=evaluation, run=run)

    assert ("dataset-card.json", "content.contradiction") in blocking(verify(folder))
    assert NOW.date() == date(2026, 11, 24)
