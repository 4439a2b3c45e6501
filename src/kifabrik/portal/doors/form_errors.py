"""An error of the house as an error of a form: `where` names the field. Knows no form."""

from django.forms import BaseForm

from kifabrik.core.errors import KifabrikError


def show_error(form: BaseForm, error: KifabrikError) -> None:
    """Put an error beside the field it names, or at the head of the form."""
    field = error.where if error.where in form.fields else None
    form.add_error(field, f"{error.message[:1].upper()}{error.message[1:]} {error.remedy}".strip())
