"""One page that shows every component in every state, for the tests of the browser only."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path

from kifabrik.core.findings import Finding, Severity
from kifabrik.portal.doors.paging import Page as OurPage
from kifabrik.portal.people.forms import OrganisationForm, RoleForm, TokenForm
from kifabrik.portal.web.state_words import WORDS

MARKUP = """
{% extends "web/base.html" %}{% load i18n kifabrik %}
{% block title %}Every component{% endblock %}
{% block trail %}{% include "components/steps.html" with steps=steps only %}{% endblock %}
{% block state %}{% include "components/status.html" with state="running" only %}{% endblock %}
{% block actions %}
<button type="button">The main deed</button><button class="danger" type="button">End it</button>
{% endblock %}
{% block content %}
<h2>Pills</h2><p>{% for state in states %}{% include "components/status.html" with state=state only %} {% endfor %}</p>
<h2>Findings</h2>{% include "components/findings.html" with findings=findings only %}
<h2>A budget</h2>{% include "components/meter.html" with used=4300 reserved=1200 total=9000 unit="CPU" only %}
{% include "components/meter.html" with used=0 reserved=0 total=18000000 unit="GPU" only %}
<h2>Facts</h2>{% include "components/facts.html" with rows=facts only %}
{% include "components/help.html" with text="A budget is what an award gives, in hours of the site's devices." only %}
<h2>A curve</h2>{% include "components/curve.html" with url="/curve.json" title="Loss by step" only %}
<h2>A story</h2>{% include "components/timeline.html" with events=events only %}
<h2>Nothing yet</h2>
{% include "components/empty.html" with title="No run yet." text="Start one." command="kifabrik run" only %}
<h2>A list</h2>{% include "components/pager.html" with page=page %}
<h2>A form with errors</h2>{% include "components/errors.html" with form=wrong only %}
<form method="post">{% csrf_token %}
{% for field in wrong %}{% include "components/field.html" with field=field only %}{% endfor %}
{% for field in token %}{% include "components/field.html" with field=field only %}{% endfor %}
<button type="submit">Send</button></form>
{% endblock %}
"""


@dataclass
class Event:
    """What the timeline reads of an audit event."""

    at: datetime
    verb: str
    actor: str


def show_gallery(request: HttpRequest) -> HttpResponse:
    texts = {
        "where": "train.jsonl, line 17",
        "remedy": "Remove it, or say why it may stay.",
        "reference": "GDPR Art. 5",
    }
    at = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    context = {
        "steps": [
            {"label": "Proposal", "url": "/a/", "state": "done"},
            {"label": "Award", "url": "/b/", "state": "done"},
            {"label": "Allocation", "url": "/c/", "state": "now"},
            {"label": "Dataset", "url": "", "state": "todo"},
            {"label": "Run", "url": "", "state": "todo"},
            {"label": "Release", "url": "", "state": "todo"},
        ],
        "states": list(WORDS),
        "findings": [Finding(f"a.{s}", s, f"This one is {s}.", **texts) for s in reversed(Severity)],
        "facts": [("Site", "This machine"), ("Until", "14 March 2027"), ("Empty", "")],
        "events": [Event(at, "award.accepted", "Ada Example"), Event(at, "allocation.opened", "")],
        "page": OurPage(rows=[], number=2, size=50, total=180),
        "wrong": OrganisationForm({"kind": "sme", "country": "Germany"}),
        "token": TokenForm(prefix="token"),
        "role": RoleForm(),
    }
    return HttpResponse(engines["django"].from_string(MARKUP).render(context, request))


def answer_curve(request: HttpRequest) -> JsonResponse:
    steps = list(range(0, 200, 2))
    loss = [round(6 / (1 + step / 30) + 1.2, 3) for step in steps]
    held_out = [value + 0.15 if number % 10 == 0 else None for number, value in enumerate(loss)]
    series = [{"label": "training", "values": loss}, {"label": "held out", "values": held_out}]
    return JsonResponse({"x": {"label": "step", "values": steps}, "series": series, "live": False})


urlpatterns = [
    path("gallery/", show_gallery),
    path("curve.json", answer_curve),
    path("", include("kifabrik.portal.web.urls")),
]
