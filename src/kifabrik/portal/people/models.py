"""Tables of people: users, organisations, memberships, roles, access tokens and the audit log."""

from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from kifabrik.core.ids import new_id
from kifabrik.portal.people.permissions import Role


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address, which is what people sign in with."""

    def create_user(self, *, email: str, password: str | None, name: str, **fields: Any) -> "User":
        """Make a local account; the address is kept in lower case."""
        user = self.model(email=email.lower(), name=name, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who can sign in."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "user"), editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=8, default="en")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField()

    objects: ClassVar[UserManager] = UserManager()
    # What queries.access knows of this person, kept on the object of one request and nowhere else.
    remembered_access: object = None

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Organisation(models.Model):
    """A legal entity that applies, and owns what it makes."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "org"), editable=False)
    legal_name = models.CharField(max_length=200, unique=True)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    kind = models.CharField(max_length=40, help_text="start-up, sme, large-enterprise, research, public")
    register_number = models.CharField(max_length=80, blank=True)
    vat_number = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("legal_name",)

    def __str__(self) -> str:
        return self.legal_name


class Membership(models.Model):
    """A person belongs to an organisation; a manager may invite others and sign for it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    is_manager = models.BooleanField(default=False)
    since_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "organisation"), name="one_membership"),)


class RoleAssignment(models.Model):
    """A role that a person holds in this factory; an operator's role is limited to one site by its code."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_assignments")
    role = models.CharField(max_length=32, choices=[(role, role) for role in Role])
    site_code = models.CharField(max_length=64, blank=True)
    since_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "role", "site_code"), name="one_role_assignment"),
            models.CheckConstraint(condition=Q(role__in=[str(role) for role in Role]), name="known_role"),
        )


class AccessToken(models.Model):
    """A secret for programs: only its digest is stored; scopes limit it, a site token acts for one site."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "token"), editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_tokens")
    name = models.CharField(max_length=100)
    secret_digest = models.CharField(max_length=80, unique=True)
    scopes = models.JSONField(default=list, help_text="names from permissions.Scope")
    site_code = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)


class AppendOnly(models.QuerySet["AuditEvent"]):
    """Rows that may be added and read, never changed or removed."""

    def update(self, **_: Any) -> int:
        raise TypeError("the audit log is append-only")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("the audit log is append-only")


class AuditEvent(models.Model):
    """One line of the append-only, hash-chained audit log; no foreign keys, so that nothing can pull it away."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    actor_id = models.CharField(max_length=40)
    verb = models.CharField(max_length=80)
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=80)
    organisation_id = models.CharField(max_length=40, blank=True)
    details = models.JSONField(default=dict)
    previous_digest = models.CharField(max_length=80)
    digest = models.CharField(max_length=80, unique=True)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("sequence",)
        indexes = (models.Index(fields=("object_kind", "object_id")),)


class SignInFailure(models.Model):
    """One failed sign-in, counted for a while against guessing; names neither address nor network in clear."""

    key = models.CharField(max_length=80, help_text="digest of the e-mail address or of the network address")
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("key", "at"), name="sign_in_failures"),)
