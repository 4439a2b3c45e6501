"""`kifabrik dataset find-person`: where a person's values stand, without telling anybody whom you look for."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kifabrik.cli.dataset_options import key_file
from kifabrik.cli.login import connect
from kifabrik.cli.terminal import explain_errors, print_json, say
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.quantities import format_count

if TYPE_CHECKING:
    from kifabrik.datasets.persons import FolderHits, PersonDigest


def find_person(
    values: Annotated[list[str], typer.Argument(help="the person's values; - reads them from standard input, by line")],
    key: Annotated[Path | None, typer.Option(help="key of the findings; that of this user by default")] = None,
    inside: Annotated[list[Path] | None, typer.Option("--in", help="dataset folder to search; may be repeated")] = None,
    digests: Annotated[bool, typer.Option("--digests", help="print the keyed digests, for the portal's page")] = False,
    reference: Annotated[str, typer.Option(help="your file number: let the portal search with the digests")] = "",
    organisation: Annotated[str, typer.Option(help="id of the organisation, for the portal")] = "",
    received_on: Annotated[str, typer.Option(help="day on which the person asked, ISO 8601; today by default")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print what was found as one JSON document")] = False,
) -> None:
    """Find a person's e-mail address, number or account in datasets by keyed digests; the values stay here."""
    with explain_errors():
        from kifabrik.datasets import keys, persons  # the detectors take their time

        if not (inside or digests or reference):
            raise InvalidInput("name dataset folders with --in, or ask for --digests or a search with --reference.")
        place = key or key_file()
        if not place.is_file():
            raise NotFound("there is no such key.", where=str(place), remedy="Name the one that the check used.")
        secret = keys.open_key(place)
        found = persons.digests_of(_read_values(values), secret)
        if digests:
            _print_digests(found, secret.key_id)
        wanted = frozenset(row.digest for row in found)
        hits = [persons.search_folder(folder, key=secret, digests=wanted) for folder in inside or []]
        for hit in hits:
            _tell(hit)
        if as_json:
            print_json([_as_row(hit) for hit in hits])
        if reference:
            _send(found, secret.key_id, reference=reference, organisation=organisation, received_on=received_on)


def _read_values(values: Sequence[str]) -> list[str]:
    given = [line for value in values for line in (sys.stdin.read().splitlines() if value == "-" else [value])]
    read = [line.strip() for line in given if line.strip()]
    if not read:
        raise InvalidInput("no value of the person was given.")
    return read


def _print_digests(found: Sequence["PersonDigest"], key_id: str) -> None:
    say(f"Name of the key: {key_id}")
    for row in found:
        typer.echo(row.digest)


def _tell(hit: "FolderHits") -> None:
    if hit.obstacle:
        say(f"{hit.folder}: not searched: {hit.obstacle}.")
    elif not hit.places:
        say(f"{hit.folder}: none of the values stands in {hit.name}.")
    else:
        kinds = ", ".join(f"{kind} {count}" for kind, count in hit.kinds.items())
        places = format_count(hit.places, "place", "places")
        documents = format_count(len(hit.documents), "document", "documents")
        say(f"{hit.folder}: {places} in {documents} of {hit.name} ({kinds}):")
        for document in hit.documents:
            say(f"  {document}")


def _as_row(hit: "FolderHits") -> dict[str, object]:
    return {
        "folder": str(hit.folder),
        "name": hit.name,
        "places": hit.places,
        "documents": list(hit.documents),
        "kinds": hit.kinds,
        "obstacle": hit.obstacle,
    }


def _send(found: Sequence["PersonDigest"], key_id: str, *, reference: str, organisation: str, received_on: str) -> None:
    """Let the portal search; it gets digests and the name of the key, never a value."""
    with connect() as portal:
        mine = [row["organisation"] for row in portal.get("/me")["organisations"]]
        if not organisation and len(mine) != 1:
            raise InvalidInput("it is not clear for which organisation.", remedy="Name one with --organisation ID.")
        answer = portal.post(
            "/erasure-requests",
            {
                "organisation": organisation or mine[0],
                "reference": reference,
                "received_on": received_on or datetime.now(UTC).date().isoformat(),
                "key_id": key_id,
                "digests": [row.digest for row in found],
            },
        )
    places = answer["found"]
    count = sum(hit["places"] for hit in places["hits"])
    say(
        f"The portal found {format_count(count, 'place', 'places')} in {len(places['hits'])} of "
        f"{format_count(places['searched'], 'dataset version', 'dataset versions')}, "
        f"{format_count(len(places['runs']), 'run', 'runs')} and "
        f"{format_count(len(places['releases']), 'release', 'releases')} trained on them."
    )
    if places["not_searched"]:
        versions = format_count(len(places["not_searched"]), "version", "versions")
        say(f"{versions} could not be searched; the page says why.")
    say(f"Decide and answer by {answer['due_on']}: {portal.url}/erasure/{answer['id']}/")
