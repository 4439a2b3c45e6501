"""Pages of releases: propose, show, waive, publish, revoke."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.catalogue.forms.releases import CandidateForm, PublishForm, RevokeForm, TrialForm, WaiveForm
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.catalogue.queries import chain, datasets, dossier, downloads, evidence, gates, releases
from kifabrik.portal.catalogue.queries.figures import scientific
from kifabrik.portal.catalogue.queries.viewers import is_inside
from kifabrik.portal.catalogue.services import publication, trials
from kifabrik.portal.catalogue.services import releases as services
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit


@require_http_methods(["GET", "POST"])
@sign_in_required
def propose_release(request: HttpRequest) -> HttpResponse:
    """Make a release candidate from a finished run."""
    run = releases.get_run(request.user, request.GET.get("run", ""))
    known = Release.objects.filter(run=run).first()
    if known is not None:
        return _back(known)
    form = CandidateForm(request.POST or None, initial={"model_name": run.name})
    if request.method == "POST" and form.is_valid():
        try:
            release = services.create_candidate(by=actor(request), run=run, now=timezone.now(), **form.cleaned_data)
        except (InvalidInput, Conflict) as error:
            form.add_error(error.where if error.where in form.fields else None, f"{error.message} {error.remedy}")
        else:
            messages.success(request, _("The candidate is made; its gate is shown below."))
            return _back(release)
    context = {"form": form, "run": run, "steps": chain.strip(viewer=request.user, here="release", run=run)}
    return render(request, "catalogue/release_form.html", context, status=422 if form.errors else 200)


@require_GET
def show_release(request: HttpRequest, release_id: str) -> HttpResponse:
    """Show a release: its passport in the order in which people ask, its gate, and what can be done."""
    return render_release(request, releases.get_release(request.user, release_id))


@require_POST
@sign_in_required
def waive_test(request: HttpRequest, release_id: str) -> HttpResponse:
    """Take a red or missing test upon oneself."""
    release = releases.get_release(request.user, release_id)
    form = WaiveForm(request.POST)
    if not form.is_valid():
        return render_release(request, release, form)
    services.waive(by=actor(request), release=release, now=timezone.now(), **form.cleaned_data)
    messages.success(request, _("The waiver counts from now on and will be part of the passport."))
    return _back(release)


@require_POST
@sign_in_required
def publish_release(request: HttpRequest, release_id: str) -> HttpResponse:
    """Assemble, sign and publish."""
    release = releases.get_release(request.user, release_id)
    form = PublishForm(request.POST)
    is_public = form.is_valid() and form.cleaned_data["is_public"]
    publication.publish(by=actor(request), release=release, is_public=is_public, now=timezone.now())
    messages.success(request, _("The release is signed and published."))
    return _back(release)


@require_POST
@sign_in_required
def revoke_release(request: HttpRequest, release_id: str) -> HttpResponse:
    """Withdraw a release."""
    release = releases.get_release(request.user, release_id)
    form = RevokeForm(request.POST)
    if not form.is_valid():
        return render_release(request, release, form)
    services.revoke(by=actor(request), release=release, reason=form.cleaned_data["reason"], now=timezone.now())
    messages.success(request, _("The release is revoked."))
    return _back(release)


def render_release(
    request: HttpRequest, release: Release, bound: Form | None = None, *, answer: str = ""
) -> HttpResponse:
    """Render the page of a release; a form that was sent keeps its words and errors."""
    gate = gates.read_gate(release, today=timezone.now().date())
    inside = is_inside(request.user, release.model.organisation)
    context = {
        "release": release,
        "gate": gate,
        "gate_rows": [(row, _waive_form(row, bound)) for row in gate.rows],
        "answer": answer,
        "trial_form": bound if isinstance(bound, TrialForm) else TrialForm(),
        "revoke_form": bound if isinstance(bound, RevokeForm) else RevokeForm(),
        "publish_form": PublishForm(),
        "steps": chain.strip(
            viewer=request.user,
            here="release",
            run=release.run,
            dataset=release.dataset_version.dataset,
            release=release,
        ),
        "inside": inside,
        "events": audit.events_about("release", release.pk) if inside else (),
        **_tell(release),
        **_rights(request, release, gate),
    }
    failed = bound is not None and bool(bound.errors)
    return render(request, "catalogue/release_detail.html", context, status=422 if failed else 200)


def _tell(release: Release) -> dict[str, object]:
    """The story of a release: from the signed passport once there is one, from the rows before."""
    manifest = releases.read_manifest(release)
    passport = releases.read_passport(release) if release.passport else None
    return {
        "passport": passport,
        "manifest": manifest,
        "evidence": evidence.count(passport.evidence) if passport else None,
        "evaluation": releases.read_evaluation(release),
        "card": passport.dataset if passport else datasets.read_card(release.dataset_version),
        "award": passport.award if passport else dossier.award_record(release),
        "usage": passport.usage if passport else dossier.usage_summary(release),
        "decisions": passport.decisions if passport else dossier.decisions_before_release(release),
        "flop": scientific(manifest.compute.flop) if manifest.compute else "",
        "files": downloads.list_files(release),
        "model_id": trials.model_id(release),
    }


def _rights(request: HttpRequest, release: Release, gate: gates.Gate) -> dict[str, bool]:
    is_candidate = release.state == "candidate"
    may_write = access.may(request.user, Permission.RELEASE_WRITE, organisation=release.model.organisation)
    return {
        "may_publish": is_candidate and may_write and gate.is_open,
        "may_waive": is_candidate and access.may(request.user, Permission.GATE_WAIVE),
        "may_revoke": release.state == "released" and may_write,
        "may_try": release.state == "released",
    }


def _waive_form(row: gates.GateRow, bound: Form | None) -> WaiveForm:
    if isinstance(bound, WaiveForm) and bound["test"].value() == row.test:
        return bound
    return WaiveForm(initial={"test": row.test}, auto_id=f"waive-{row.test}-%s")


def _back(release: Release) -> HttpResponseRedirect:
    return redirect("catalogue:release", release.pk)
