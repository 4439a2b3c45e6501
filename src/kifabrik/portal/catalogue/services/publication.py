"""Publishes a release; being written."""

from datetime import datetime

from kifabrik.core.errors import Unavailable
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.people.models import User


def publish(*, by: User, release: Release, is_public: bool, now: datetime) -> Release:
    """Not ready."""
    raise Unavailable("not ready")
