"""The client's manners: errors as errors, repeats where they are harmless, pages, files with their digests."""

from pathlib import Path

import httpx
import pytest

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from kifabrik.site.client import PortalClient

DATA = bytes(range(256)) * 5000


class Portal:
    """Answers as told, one answer for each request; remembers the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **named: object) -> PortalClient:
        transport = httpx.MockTransport(self.handle)
        return PortalClient("https://portal.example/", "secret", transport, pause=self.pauses.append, **named)  # type: ignore[arg-type]


def problem(status: int, code: str = "some-code") -> httpx.Response:
    body = {"code": code, "title": "It is so.", "detail": "Do that.", "where": "field", "status": status}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidInput),
        (401, Refused),
        (403, Refused),
        (404, NotFound),
        (409, Conflict),
        (413, InvalidInput),
        (422, InvalidInput),
        (500, Unavailable),
    ],
)
def test_problem_becomes_an_error_of_its_kind(status: int, kind: type[Exception]) -> None:
    portal = Portal(problem(status))

    with pytest.raises(kind) as caught:
        portal.client().get("/me")

    error = caught.value
    assert (type(error), error.code, str(error)) == (kind, "some-code", "field: It is so. Do that.")
    assert portal.pauses == []


def test_token_and_address_travel_with_each_request() -> None:
    portal = Portal(httpx.Response(200, json={"name": "Ada"}))

    answer = portal.client().get("/me", deep=1)

    request = portal.requests[0]
    assert answer == {"name": "Ada"}
    assert str(request.url) == "https://portal.example/api/v1/me?deep=1"
    assert request.headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(429)])
def test_request_that_had_no_effect_is_repeated(trouble: httpx.Response | Exception) -> None:
    portal = Portal(trouble, trouble, httpx.Response(200, json={}))

    assert portal.client().post("/proposals", {"title": "x"}) == {}

    assert len(portal.pauses) == 2
    assert portal.pauses[0] < 0.6


def test_request_that_may_have_had_its_effect_is_repeated_only_if_harmless() -> None:
    lost = httpx.ReadTimeout("no answer")

    with pytest.raises(Unavailable, match="does not answer"):
        Portal(lost).client().post("/proposals")
    assert Portal(lost, httpx.Response(200, json={"a": 1})).client().post("/x", again=True) == {"a": 1}
    assert Portal(lost, httpx.Response(200, json={"a": 1})).client().get("/x") == {"a": 1}


def test_portal_that_stays_away_is_said_in_one_sentence() -> None:
    portal = Portal(*[httpx.ConnectError("connection refused")] * 4)

    with pytest.raises(Unavailable) as caught:
        portal.client().get("/me")

    assert caught.value.code == "portal-silent"
    assert str(caught.value).startswith("https://portal.example: the portal does not answer (connection refused).")
    assert len(portal.requests) == 4


def test_something_that_is_no_portal_is_said_in_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="does not speak JSON"):
        Portal(httpx.Response(200, text="<html>")).client().get("/me")
    with pytest.raises(InvalidInput, match="Use https://elsewhere"):
        Portal(httpx.Response(301, headers={"location": "https://elsewhere.example/"})).client().get("/me")
    with pytest.raises(NotFound, match="status 404 to /api/v1/me"):
        Portal(httpx.Response(404, text="<html>")).client().get("/me")


def test_answer_without_content_is_none() -> None:
    assert Portal(httpx.Response(204)).client().post("/x") is None


@pytest.mark.parametrize("url", ["portal.example", "ftp://portal.example", "http://", "https://x:port"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="not an address"):
        PortalClient(url, "secret")


def test_token_does_not_travel_in_clear() -> None:
    with pytest.raises(InvalidInput, match="unencrypted"):
        PortalClient("http://portal.example", "secret")

    assert PortalClient("http://portal.example", "secret", allow_plain_http=True).url == "http://portal.example"
    assert PortalClient("http://127.0.0.1:8000/api/v1/", "secret").url == "http://127.0.0.1:8000"


def test_list_walks_all_pages() -> None:
    pages = [httpx.Response(200, json={"items": [{"n": n}], "total": 3, "page": n, "pages": 3}) for n in (1, 2, 3)]
    portal = Portal(*pages)

    assert [row["n"] for row in portal.client().list("/runs", state="active")] == [1, 2, 3]

    assert [str(request.url.query, "ascii") for request in portal.requests] == [
        "state=active&page=1",
        "state=active&page=2",
        "state=active&page=3",
    ]


def test_empty_list_has_no_rows() -> None:
    portal = Portal(httpx.Response(200, json={"items": [], "total": 0, "page": 1, "pages": 1}))

    assert list(portal.client().list("/runs")) == []


def test_file_is_sent_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    sent: list[int] = []
    portal = Portal(problem(404), httpx.ConnectError("broke"), httpx.Response(200, json={}))

    digest = portal.client().upload_file(path, organisation="org-1", progress=sent.append)

    put = portal.requests[-1]
    assert digest == digest_bytes(DATA)
    assert put.url.path == f"/api/v1/files/{digest}"
    assert put.url.params["organisation"] == "org-1"
    assert (put.content, put.headers["content-length"]) == (DATA, str(len(DATA)))
    assert "transfer-encoding" not in put.headers
    assert sum(sent) == 2 * len(DATA)  # it went twice

    portal = Portal(httpx.Response(200))
    assert portal.client().upload_file(path) == digest
    assert [request.method for request in portal.requests] == ["HEAD"]


def test_file_that_shrinks_while_it_is_sent_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    portal = Portal(problem(404))
    client = portal.client()
    handle = portal.handle

    def shrink(request: httpx.Request) -> httpx.Response:
        if request.method == "HEAD":
            answer = handle(request)
            monkeypatch.setattr(Path, "stat", lambda self: type("Stat", (), {"st_size": len(DATA) + 1})())
            return answer
        return handle(request)

    client._http._transport = httpx.MockTransport(shrink)
    with pytest.raises(InvalidInput, match="became shorter"):
        client.upload_file(path)


class BrokenStream(httpx.SyncByteStream):
    """Breaks off after some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield self.data
        raise httpx.ReadError("broke off")


def test_file_is_received_whole_with_its_digest(tmp_path: Path) -> None:
    digest = digest_bytes(DATA)
    to = tmp_path / "deep" / "file"
    portal = Portal(httpx.Response(200, content=DATA))

    portal.client().download_file(digest, to)
    portal.client().download_file(digest, to)  # it is there: nobody is asked

    assert to.read_bytes() == DATA
    assert [path.name for path in to.parent.iterdir()] == ["file"]


def test_broken_transfer_goes_on_where_it_broke(tmp_path: Path) -> None:
    to = tmp_path / "file"
    portal = Portal(httpx.Response(200, stream=BrokenStream(DATA[:1000])), httpx.Response(206, content=DATA[1000:]))

    portal.client().download_file(digest_bytes(DATA), to)

    assert to.read_bytes() == DATA
    assert portal.requests[1].headers["range"] == "bytes=1000-"


def test_portal_that_cannot_continue_sends_all_again(tmp_path: Path) -> None:
    to = tmp_path / "file"
    portal = Portal(httpx.Response(200, stream=BrokenStream(DATA[:1000])), httpx.Response(200, content=DATA))

    portal.client().download_file(digest_bytes(DATA), to)

    assert to.read_bytes() == DATA


def test_rest_of_a_killed_transfer_is_used(tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_bytes(DATA[:1000])
    portal = Portal(httpx.Response(206, content=DATA[1000:]))

    portal.client().download_file(digest_bytes(DATA), tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == DATA


def test_rest_that_is_whole_already_is_settled(tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_bytes(DATA)

    Portal(problem(416)).client().download_file(digest_bytes(DATA), tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == DATA


def test_wrong_bytes_never_become_the_file(tmp_path: Path) -> None:
    portal = Portal(*[httpx.Response(200, content=b"wrong") for _ in range(4)])

    with pytest.raises(Unavailable, match="keeps arriving broken"):
        portal.client().download_file(digest_bytes(DATA), tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


def test_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Portal(problem(404)).client().download_file(digest_bytes(DATA), tmp_path / "file")
    assert Portal(problem(404)).client().has_file(digest_bytes(DATA)) is False
    assert Portal(httpx.Response(200)).client().has_file(digest_bytes(DATA)) is True
