"""Pages of the sample of findings: how precise the check is, and judging findings in the words around them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from kifabrik.portal.catalogue.forms.data_protection import JudgementForm
from kifabrik.portal.catalogue.queries import chain, datasets, samples
from kifabrik.portal.catalogue.services import samples as services
from kifabrik.portal.people.authentication import actor, sign_in_required


@require_GET
@sign_in_required
def show_sample(request: HttpRequest, version_id: str) -> HttpResponse:
    """Show how far the sample is judged and what that says."""
    version = datasets.get_version(request.user, version_id)
    services.require_right(actor(request), version)
    context = {
        "version": version,
        "dataset": version.dataset,
        "rows": samples.precision_of(version),
        "obstacle": samples.obstacle(version),
        "looks": samples.newest_looks(version),
        "steps": chain.strip(viewer=request.user, here="dataset", dataset=version.dataset),
    }
    return render(request, "catalogue/sample.html", context)


@require_GET
@never_cache
@sign_in_required
def show_findings(request: HttpRequest, version_id: str, kind: str) -> HttpResponse:
    """Show the next findings of a kind in context; who looks is written down."""
    version = datasets.get_version(request.user, version_id)
    shown = services.look(by=actor(request), version=version, kind=kind, now=timezone.now())
    context = {
        "version": version,
        "dataset": version.dataset,
        "kind": kind,
        "shown": shown,
        "steps": chain.strip(viewer=request.user, here="dataset", dataset=version.dataset),
    }
    return render(request, "catalogue/sample_kind.html", context)


@require_POST
@sign_in_required
def judge_findings(request: HttpRequest, version_id: str, kind: str) -> HttpResponse:
    """Keep the judgements that were made on one page; findings without one stay for later."""
    version = datasets.get_version(request.user, version_id)
    services.require_right(actor(request), version)
    count = 0
    for name in request.POST:
        number = name.removeprefix("finding-")
        if name != number and number.isdigit():
            form = JudgementForm({"is_true": request.POST[name]})
            if form.is_valid():
                finding = samples.get_sampled(version, int(number))
                services.judge(
                    by=actor(request), finding=finding, is_true=form.cleaned_data["is_true"], now=timezone.now()
                )
                count += 1
    words = ngettext("%(count)s judgement is kept.", "%(count)s judgements are kept.", count)
    messages.success(request, words % {"count": count})
    if any(row.kind == kind and row.left for row in samples.precision_of(version)) and count:
        return redirect("catalogue:sample-kind", version.pk, kind)
    return redirect("catalogue:sample", version.pk)
