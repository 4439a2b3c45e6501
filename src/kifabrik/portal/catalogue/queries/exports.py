"""Writes a registered dataset card for others. Knows what the portal knows around a card, not how a paper looks."""

from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.passport.dataset_exports import Export, ExportMatter, export
from kifabrik.passport.export_format import ExportFormat
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries.datasets import read_card

_SMALL = frozenset({"sme", "start-up"})


def write(version: DatasetVersion, form: str) -> Export:
    """Write one paper from the card of a version; raises NotFound for a format that there is not."""
    if form not in set(ExportFormat):
        raise NotFound(_("There is no such format."), where=form[:80])
    organisation = version.dataset.organisation
    matter = ExportMatter(
        card=read_card(version),
        version=str(version.number),
        publisher=organisation.legal_name,
        is_sme=organisation.kind in _SMALL,
    )
    return export(matter, ExportFormat(form))
