"""The forms of people: words, fields and their help. The rules are in the services."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kifabrik.portal.people.permissions import Role, Scope
from kifabrik.portal.people.words import KINDS, ROLES, SCOPES

LAST_DAY_HELP = _("Empty means that it works until you revoke it.")


class SignInForm(forms.Form):
    """E-mail and password of a local account."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class ProfileForm(forms.Form):
    """What others see of a person, and the language the portal speaks to them."""

    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("As others should see it."))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class TokenForm(forms.Form):
    """A new access token."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("Which program or machine will use it, so that you know it again.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[(scope.value, SCOPES[scope]) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ.value, Scope.WRITE.value],
    )
    site_code = forms.SlugField(
        label=_("Site code"), required=False, help_text=_("Only for the agent of a site that you operate.")
    )
    last_day = forms.DateField(
        label=_("Works until"), required=False, help_text=LAST_DAY_HELP, widget=forms.DateInput(attrs={"type": "date"})
    )


class OrganisationForm(forms.Form):
    """A new organisation."""

    legal_name = forms.CharField(label=_("Legal name"), max_length=200, help_text=_("As in the register."))
    country = forms.CharField(
        label=_("Country"), min_length=2, max_length=2, help_text=_("Two letters, such as DE or NL (ISO 3166-1).")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=list(KINDS.items()))
    register_number = forms.CharField(label=_("Register number"), max_length=80, required=False)
    vat_number = forms.CharField(label=_("VAT number"), max_length=40, required=False)


class MemberForm(forms.Form):
    """Somebody who joins an organisation."""

    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("Only if the person has no account here yet: then one is made, with a link to set a password."),
    )
    is_manager = forms.BooleanField(
        label=_("May add others and sign for the organisation"), required=False, widget=forms.CheckboxInput
    )


class RoleForm(forms.Form):
    """A role for a person."""

    email = forms.EmailField(label=_("E-mail address"))
    role = forms.ChoiceField(
        label=_("Role"), choices=[(role.value, ROLES[role]) for role in Role if role != Role.VISITOR]
    )
    site_code = forms.SlugField(
        label=_("Only at the site"), required=False, help_text=_("Code of the site; empty means everywhere.")
    )


class AccountForm(forms.Form):
    """A new local account."""

    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(label=_("Name"), max_length=200)
    password = forms.CharField(
        label=_("First password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Hand it over in person; the owner can change it."),
    )


class AuditFilterForm(forms.Form):
    """What a reader of the audit log looks for."""

    verb = forms.CharField(label=_("What happened"), required=False, help_text=_("such as proposal or run.started"))
    actor = forms.CharField(label=_("Who"), required=False)
    kind = forms.CharField(label=_("Kind of thing"), required=False)
    object_id = forms.CharField(label=_("Its identifier"), required=False)


class FirstPasswordForm(forms.Form):
    """The first password of a new account."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters; several words are easier to keep in mind than signs."),
    )


class PasswordForm(FirstPasswordForm):
    """A new password in place of the present one."""

    field_order = ("old_password", "password")
    old_password = forms.CharField(
        label=_("Present password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
