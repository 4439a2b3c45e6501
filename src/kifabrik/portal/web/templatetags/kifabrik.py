"""Filters and tags for every chapter's pages: amounts, states, digests, links. Knows no table."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.utils.formats import number_format
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kifabrik.core import quantities
from kifabrik.portal.web import finding_words
from kifabrik.portal.web.state_words import TONES, WORDS
from kifabrik.portal.web.verb_words import VERBS

register = template.Library()
_SHORT_DIGEST_LETTERS = 12


@register.filter
def gpu_hours(gpu_seconds: int | float | None, unit: str = "GPU") -> SafeString | str:
    """Write GPU seconds as hours of the site's unit, the exact value as a tooltip: `12.5 GPU-hours`."""
    if gpu_seconds is None:
        return "–"
    hours = quantities.hours_from_seconds(int(gpu_seconds))
    decimals = 0 if abs(hours) >= 1000 else 1 if abs(hours) >= 10 else 2 if abs(hours) >= 0.1 or not hours else 3
    amount = number_format(hours, decimal_pos=decimals, use_l10n=True, force_grouping=True).rstrip()
    words = gettext("CPU-hours") if unit == "CPU" else gettext("GPU-hours")
    exact = number_format(int(gpu_seconds), use_l10n=True, force_grouping=True)
    return format_html('<span title="{} {}">{} {}</span>', exact, gettext("seconds"), amount, words)


@register.filter
def duration(seconds: float | None) -> str:
    """Write seconds as people read them: `3 min 5 s`."""
    return "–" if seconds is None else quantities.format_duration(float(seconds))


@register.filter(name="bytes")
def size(size_bytes: int | None) -> str:
    """Write a size with a decimal unit and the decimal mark of the language: `8.2 MB`."""
    if size_bytes is None:
        return "–"
    amount, _, unit = quantities.format_bytes(int(size_bytes)).partition(" ")
    decimals = len(amount.partition(".")[2])
    return f"{number_format(amount, decimal_pos=decimals, use_l10n=True)} {unit}"


@register.filter
def as_moment(written: str) -> datetime | None:
    """Read the moment or day that a paper states, so that `date` can write it as the reader's language does."""
    with suppress(ValueError):
        return datetime.fromisoformat(written)
    return None


@register.filter
def short_digest(digest: str | None) -> SafeString | str:
    """Write the first letters of a digest; the whole one is the tooltip."""
    if not digest:
        return "–"
    short = digest.removeprefix("sha256:")[:_SHORT_DIGEST_LETTERS]
    return format_html('<code class="digest" title="{}">{}…</code>', digest, short)


@register.filter
def in_words(sentence: str) -> str:
    """Say a stored English sentence of a check or test in the reader's language."""
    return finding_words.say(str(sentence))


@register.filter
def state_label(state: object) -> str:
    """Write a state in the words of the reader's language."""
    return str(WORDS.get(str(state), str(state).replace("_", " ").replace("-", " ").replace(".", " ")))


@register.filter
def state_tone(state: object) -> str:
    """Choose the tone of a state's pill: good, busy, wait, bad or calm."""
    return TONES.get(str(state), "calm")


@register.filter
def share(part: float | None, whole: float | None) -> str:
    """Say which share of a whole a part is, in percent between 0 and 100, with a point in every language."""
    if not part or not whole or whole <= 0:
        return "0"
    return f"{min(100.0, max(0.0, 100.0 * float(part) / float(whole))):.2f}"


@register.filter
def plus(left: float | None, right: float | None) -> float:
    """Add two amounts, nothing counting as zero."""
    return (left or 0) + (right or 0)


@register.filter
def minus(left: float | None, right: float | None) -> float:
    """Take one amount from another, nothing counting as zero."""
    return (left or 0) - (right or 0)


@register.filter
def lookup(mapping: Mapping[str, Any], key: str) -> Any:
    """Read one key of a mapping; nothing if it is not there."""
    return mapping.get(key) if mapping else None


@register.simple_tag(takes_context=True)
def page_link(context: Context, number: int) -> str:
    """Write the query of another page of the same list, its filters kept."""
    request: HttpRequest | None = getattr(context, "request", None)
    query = request.GET.copy() if request is not None else None
    if query is None:
        return f"?page={number}"
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def title_text(context: Context) -> str:
    """Repeat the block `title` without its tags, for the browser's window."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block("title") if blocks else None
    return " ".join(strip_tags(block.nodelist.render(context)).split()) if block else ""


SEVERITY_WORDS = {
    "blocking": _("Must be mended"),
    "serious": _("Serious"),
    "warning": _("Please look"),
    "not-checked": _("Not checked"),
    "info": _("For your information"),
}


@register.filter
def severity_label(severity: object) -> str:
    """Write the severity of a finding in the reader's words."""
    return str(SEVERITY_WORDS.get(str(severity), severity))


@register.filter
def verb_label(verb: str) -> str:
    """Tell what an audit line says in the reader's words."""
    return str(VERBS.get(verb, verb.replace(".", ": ", 1).replace("-", " ").replace("_", " ").capitalize()))
