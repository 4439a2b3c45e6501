"""Speaks to a portal over HTTPS: JSON, files by content, pages of lists, errors as errors of the house.

Knows the portal's manners (bearer token, problem details, paged lists), not its nouns.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from kifabrik import __version__
from kifabrik.core import digests
from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError, NotFound, Refused, Unavailable
from kifabrik.site.transfers import Progress, read_pieces, receive

API = "/api/v1"
TRIES = 4
_FIRST_PAUSE_SECONDS = 0.25
_PAUSE_SECONDS_MAX = 15.0
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_BUSY = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT"})
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")  # a number that says nothing to people
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_KINDS: Mapping[int, type[KifabrikError]] = {
    400: InvalidInput,
    401: Refused,
    403: Refused,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
}


class PortalClient:
    """A connection to one portal as one principal.

    A request that did not reach the portal, or that it was too busy to answer, is repeated with growing pauses. A
    request that may have had its effect is repeated only if repeating it is harmless: reading, PUT, and what the caller
    marks with `again=True`. After that Unavailable is raised.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        transport: httpx.BaseTransport | None = None,
        *,
        tries: int = TRIES,
        pause: Callable[[float], None] = time.sleep,
        allow_plain_http: bool = False,
    ) -> None:
        self.url = _check_address(url, allow_plain_http=allow_plain_http)
        self._tries = tries
        self._pause = pause
        headers = {"User-Agent": f"kifabrik/{__version__}", "Accept": "application/json"}
        self._http = httpx.Client(base_url=self.url + API, headers=headers, transport=transport, timeout=_TIMEOUT)
        if token:
            self.use_token(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def use_token(self, token: str) -> None:
        """Speak with another token from now on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: str | int) -> Any:
        """Read one JSON document; raises the error the portal answers with."""
        return self._read_json(self._send("GET", path, params=query))

    def post(self, path: str, body: object = None, *, again: bool = False) -> Any:
        """Send a JSON document; `again` says that the operation may safely be repeated when the answer is lost."""
        return self._read_json(self._send("POST", path, json={} if body is None else body, again=again))

    def patch(self, path: str, body: object) -> Any:
        """Change a row; its version in the body makes a second change after a lost answer a Conflict."""
        return self._read_json(self._send("PATCH", path, json=body))

    def list(self, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Walk all rows of a paged list, page by page."""
        number = 1
        while True:
            answer = self.get(path, **{**query, "page": number})
            yield from answer["items"]
            if number >= answer["pages"]:
                return
            number += 1

    def has_file(self, digest: str, *, organisation: str = "") -> bool:
        """Ask whether the portal holds a file that we may refer to."""
        try:
            self._send("HEAD", f"/files/{digest}", params=_named(organisation))
        except NotFound:
            return False
        return True

    def upload_file(
        self, path: Path, *, digest: str = "", organisation: str = "", progress: Progress | None = None
    ) -> str:
        """Bring a file to the portal unless it is there, streamed; returns its digest, which the portal checks."""
        digest = digest or digests.digest_file(path)
        if self.has_file(digest, organisation=organisation):
            return digest
        size_bytes = path.stat().st_size
        self._send(
            "PUT",
            f"/files/{digest}",
            params=_named(organisation),
            make_content=lambda: read_pieces(path, size_bytes=size_bytes, progress=progress),
            headers={"Content-Length": str(size_bytes), "Content-Type": "application/octet-stream"},
        )
        return digest

    def download_file(self, digest: str, to: Path, *, organisation: str = "", progress: Progress | None = None) -> None:
        """Fetch a file by content, whole or not at all; what arrived before a break is not fetched again.

        Raises Unavailable if the bytes that arrive are not the bytes of that name.
        """

        def fetch(offset_bytes: int) -> httpx.Response:
            headers = {"Accept": "application/octet-stream", "Accept-Encoding": "identity"}
            if offset_bytes:
                headers["Range"] = f"bytes={offset_bytes}-"
            return self._send("GET", f"/files/{digest}", params=_named(organisation), headers=headers, stream=True)

        receive(fetch, digest=digest, to=to, tries=self._tries, pause=self._pause, progress=progress)

    def _send(
        self,
        method: str,
        path: str,
        *,
        again: bool = False,
        stream: bool = False,
        make_content: Callable[[], Iterator[bytes]] | None = None,
        **named: Any,
    ) -> httpx.Response:
        repeatable = again or method in _REPEATABLE
        failure: KifabrikError
        for number in range(1, self._tries + 1):
            try:
                content = make_content() if make_content else None
                request = self._http.build_request(method, path, content=content, **named)
                response = self._http.send(request, stream=stream)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                failure = self._describe_silence(error)
            except httpx.TransportError as error:
                failure = self._describe_silence(error)
                if not repeatable:
                    raise failure from error
            else:
                if response.is_success:
                    return response
                failure = self._read_problem(response, stream=stream)
                if response.status_code not in _BUSY:
                    raise failure
            if number < self._tries:
                self._pause(_pause_seconds(number))
        raise failure

    def _describe_silence(self, error: httpx.TransportError) -> Unavailable:
        if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
            raise InvalidInput("this is not the address of a portal.", where=self.url) from error
        return Unavailable(
            f"the portal does not answer ({_ERRNO.sub('', str(error)) or type(error).__name__}).",
            where=self.url,
            remedy="Check the address and the network, or try again later.",
            code="portal-silent",
        )

    def _read_problem(self, response: httpx.Response, *, stream: bool) -> KifabrikError:
        if stream:
            response.read()
            response.close()
        kind = _KINDS.get(response.status_code, Unavailable if response.status_code >= 429 else InvalidInput)
        try:
            problem = response.json()
            title, detail = str(problem["title"]), str(problem.get("detail") or "")
            return kind(
                title, where=str(problem.get("where") or ""), remedy=detail, code=str(problem.get("code") or "")
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            path = response.request.url.path
            if response.is_redirect:
                target = response.headers.get("location", "")
                return InvalidInput("the portal lives at another address.", where=self.url, remedy=f"Use {target}.")
            return kind(f"the portal answered with status {response.status_code} to {path}.", where=self.url)

    def _read_json(self, response: httpx.Response) -> Any:
        if response.status_code == httpx.codes.NO_CONTENT or not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            message = "what answers at this address is not a portal: it does not speak JSON."
            raise InvalidInput(message, where=self.url) from error


def _pause_seconds(number: int) -> float:
    """Double the pause each time, and spread it, so that many clients do not come back at one moment."""
    longest = min(_PAUSE_SECONDS_MAX, _FIRST_PAUSE_SECONDS * 2.0**number)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing


def _named(organisation: str) -> dict[str, str]:
    return {"organisation": organisation} if organisation else {}


def _check_address(url: str, *, allow_plain_http: bool) -> str:
    """Accept https, and plain http on this machine: a token must not travel in clear."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput("this is not an address.", where=url, remedy="Write https://portal.example.") from error
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise InvalidInput("this is not an address.", where=url, remedy="Write https://portal.example.")
    if parts.scheme == "http" and parts.host not in _LOOPBACK and not allow_plain_http:
        raise InvalidInput("the token would travel unencrypted.", where=url, remedy="Use an https:// address.")
    return str(parts).rstrip("/").removesuffix(API)
