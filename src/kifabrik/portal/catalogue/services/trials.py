"""Lets people try a release: asks the serving process and passes its text on. Knows its address, not its model code."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import httpx
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, InvalidInput, Unavailable
from kifabrik.portal.catalogue.models import Release, TrialWindow

WINDOW = timedelta(minutes=1)
USES_PER_WINDOW_MAX = 12
PROMPT_LENGTH_MAX = 2000
TOKENS_MAX = 256
_TIMEOUT = httpx.Timeout(connect=3, read=60, write=10, pool=3)


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked, and how long and how freely it may answer."""

    prompt: str
    tokens_max: int = 96
    temperature: float = 0.7


def model_id(release: Release) -> str:
    """Name a release as the serving process names it."""
    return f"{release.model.name}:{release.number}"


def count_use(*, visitor: str, now: datetime) -> None:
    """Count one try of a visitor; raises Unavailable when there were too many within a minute."""
    with transaction.atomic():
        window, _made = TrialWindow.objects.select_for_update().get_or_create(
            visitor=visitor, defaults={"started_at": now, "used": 0}
        )
        if now - window.started_at >= WINDOW:
            window.started_at, window.used = now, 0
        if window.used >= USES_PER_WINDOW_MAX:
            raise Unavailable(
                _("You tried %(count)s times within a minute; that is the limit.") % {"count": USES_PER_WINDOW_MAX},
                remedy=_("Wait a minute and try again."),
                code="too-many-tries",
            )
        window.used += 1
        window.save(update_fields=["started_at", "used"])
        # Windows that have ended say nothing any more, and nobody's tries are remembered longer than needed.
        TrialWindow.objects.filter(started_at__lt=now - 2 * WINDOW).delete()


def open_stream(release: Release, question: Question) -> Iterator[str]:
    """Ask the serving process and hand out pieces of text as they come.

    Waits for the first piece, so that Unavailable (nobody serves) is raised here and not in the middle of an answer;
    raises Conflict for a release that is not published.
    """
    if release.state != "released":
        raise Conflict(_("Only a published release can be tried."))
    pieces = _stream(model_id(release), question)
    return chain([next(pieces, "")], pieces)


def complete(release: Release, question: Question) -> str:
    """Ask the serving process and wait for the whole answer."""
    return "".join(open_stream(release, question))


def _stream(model: str, question: Question) -> Iterator[str]:
    body = {
        "model": model,
        "prompt": question.prompt,
        "max_tokens": question.tokens_max,
        "temperature": question.temperature,
        "stream": True,
    }
    url = f"{settings.SERVING_URL.rstrip('/')}/v1/completions"
    # No proxy from the environment: the address is the operator's own.
    with (
        _explain_silence(),
        httpx.Client(timeout=_TIMEOUT, trust_env=False) as client,
        client.stream("POST", url, json=body) as answer,
    ):
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise Unavailable(
                _("The serving process does not know this release yet."),
                remedy=_("It looks for new releases every few seconds; try again in a moment."),
                code="not-served",
            )
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise InvalidInput(_read_reason(answer), where="prompt", remedy=_("Begin with a shorter text."))
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Unavailable(_("Others are trying this release."), remedy=_("Try again in a moment."), code="busy")
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data:") and line != "data: [DONE]":
                yield _read_piece(line.removeprefix("data:"))


def _read_reason(answer: httpx.Response) -> str:
    """Read why the serving process refuses, in the error shape of the OpenAI interface."""
    answer.read()
    return str(answer.json().get("error", {}).get("message", ""))


def _read_piece(data: str) -> str:
    choices = json.loads(data).get("choices") or [{}]
    return str(choices[0].get("text", ""))


@contextmanager
def _explain_silence() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(
            _("The serving process does not answer."),
            remedy=_("Start it with “kifabrik serve” and try again; everything else on this page works without it."),
            code="not-served",
        ) from error
