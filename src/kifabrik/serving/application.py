"""The OpenAI-compatible doors: models, completions, chat, health. No CORS: pages of other sites have no business here.

Knows HTTP; the engine knows models, the shelf knows which there are.
"""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kifabrik.core.errors import KifabrikError
from kifabrik.serving.answers import Answer, describe_error, error_body, error_event, model_entry
from kifabrik.serving.engine import Engine
from kifabrik.serving.questions import ChatQuestion, CompletionQuestion, Question
from kifabrik.serving.sampling import Sampling
from kifabrik.serving.shelf import Admit, Shelf
from kifabrik.serving.turns import ClientGone, Turns

WAITING_MAX = 8
BODY_BYTES_MAX = 4 << 20
COMPLETION_TOKENS_DEFAULT = 16  # OpenAI's default of the older door
_CLIENT_CLOSED_REQUEST = 499

log = logging.getLogger("kifabrik.serving")


def build(
    releases: Sequence[Path] | None = None,
    watch: Path | None = None,
    *,
    admit: Admit | None = None,
    hosts: Sequence[str] | None = None,
    waiting_max: int = WAITING_MAX,
) -> FastAPI:
    """Make the application for release folders; each holds `model/`, and `passport.json` if it has a name and number.

    Folders that appear below `watch` are served as `<model>:<number>`. `admit` is asked before a folder is listed and
    again before it is loaded, and raises if it may not be served; file kinds and weight headers are always checked.
    `hosts` are the names that clients may call the server by; pages that rebind a name of their own get no answer.
    Raises InvalidInput if one of `releases` cannot be served.
    """
    desk = Desk(Shelf(releases or (), watch=watch, admit=admit), waiting_max=waiting_max)
    application = FastAPI(title="Kifabrik serving", docs_url=None, redoc_url=None, openapi_url=None)
    application.add_middleware(BodyLimit, bytes_max=BODY_BYTES_MAX)
    if hosts is not None:
        application.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    application.add_exception_handler(KifabrikError, _answer_error)
    application.add_exception_handler(ClientGone, _answer_error)
    application.add_exception_handler(RequestValidationError, _answer_wrong_question)
    application.add_exception_handler(HTTPException, _answer_http_error)
    application.add_exception_handler(Exception, _answer_surprise)
    application.add_api_route("/health", desk.health, methods=["GET"])
    application.add_api_route("/v1/models", desk.list_models, methods=["GET"])
    application.add_api_route("/v1/models/{name:path}", desk.show_model, methods=["GET"])
    application.add_api_route("/v1/completions", desk.complete, methods=["POST"], response_model=None)
    application.add_api_route("/v1/chat/completions", desk.chat, methods=["POST"], response_model=None)
    return application


class Desk:
    """Takes questions, waits for a turn, lets the engine answer."""

    def __init__(self, shelf: Shelf, *, waiting_max: int) -> None:
        self._shelf = shelf
        self._turns: dict[str, Turns] = defaultdict(lambda: Turns(waiting_max=waiting_max))

    async def health(self) -> dict[str, Any]:
        """Say that the server answers, and how many models it offers."""
        return {"status": "ok", "models": len(await run_in_threadpool(self._shelf.list))}

    async def list_models(self) -> dict[str, Any]:
        """List what can be asked."""
        served = await run_in_threadpool(self._shelf.list)
        return {"object": "list", "data": [model_entry(each) for each in served]}

    async def show_model(self, name: str) -> dict[str, Any]:
        """Describe one model; raises NotFound."""
        return model_entry(await run_in_threadpool(self._shelf.find, name))

    async def complete(self, question: CompletionQuestion, request: Request) -> Response:
        """Continue text."""
        prompt = question.single_prompt

        def encode(engine: Engine) -> list[int]:
            return engine.encode_text(prompt) if isinstance(prompt, str) else prompt

        tokens_max = question.max_tokens or COMPLETION_TOKENS_DEFAULT
        return await self._answer("completion", question, request, encode=encode, tokens_max=tokens_max)

    async def chat(self, question: ChatQuestion, request: Request) -> Response:
        """Answer a conversation."""
        turns = [message.as_turn() for message in question.messages]
        return await self._answer(
            "chat",
            question,
            request,
            encode=lambda engine: engine.encode_chat(turns),
            tokens_max=question.tokens_max,
        )

    async def _answer(
        self,
        kind: Any,
        question: Question,
        request: Request,
        *,
        encode: Callable[[Engine], list[int]],
        tokens_max: int | None,
    ) -> Response:
        served = await run_in_threadpool(self._shelf.find, question.model)
        turns = self._turns[served.name]
        await turns.take(request.is_disconnected)
        try:
            engine = await run_in_threadpool(self._shelf.load, served)
            prompt = await run_in_threadpool(encode, engine)
            room = engine.room_after(prompt)
            sampling = _sampling(question, engine, tokens_max=min(tokens_max or room, room))
            answer = Answer(kind, served.name, len(prompt))
            work = _Work(engine, prompt, sampling, answer)
            if question.stream:
                events = work.stream(with_usage=question.wants_usage_at_the_end)
                return TurnResponse(events, media_type="text/event-stream", after=turns.give_back)
            await work.finish(request.is_disconnected)
        except BaseException:
            turns.give_back()
            raise
        turns.give_back()
        return JSONResponse(answer.whole())


class _Work:
    """One generation, in a thread beside the event loop, so that other requests are answered meanwhile."""

    def __init__(self, engine: Engine, prompt: list[int], sampling: Sampling, answer: Answer) -> None:
        self._pieces = iterate_in_threadpool(engine.generate(prompt, sampling))
        self._answer = answer

    async def finish(self, is_gone: Callable[[], Awaitable[bool]]) -> None:
        """Generate to the end; raises ClientGone, and stops working, when nobody waits any more."""
        async for piece in self._pieces:
            self._answer.add(piece)
            if await is_gone():
                raise ClientGone

    async def stream(self, *, with_usage: bool) -> AsyncIterator[str]:
        """Hand out events as they come; what goes wrong in the middle becomes an event too."""
        try:
            if opening := self._answer.opening():
                yield opening
            async for piece in self._pieces:
                self._answer.add(piece)
                if event := self._answer.event(piece):
                    yield event
            yield self._answer.closing(with_usage=with_usage)
        except KifabrikError as error:
            yield error_event(describe_error(error)[1])
        except Exception:
            log.exception("generation failed model=%s", self._answer.model)
            yield error_event(error_body("The server failed while it wrote this answer.", status=500))


class TurnResponse(StreamingResponse):
    """A stream that gives its turn back when it is over, however it ends; a client that leaves ends it."""

    def __init__(self, content: AsyncIterator[str], *, media_type: str, after: Callable[[], None]) -> None:
        super().__init__(content, media_type=media_type, headers={"Cache-Control": "no-store"})
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._after()


class BodyLimit:
    """Refuses bodies that are too large while they arrive, before they fill the memory."""

    def __init__(self, app: ASGIApp, *, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._bytes_max:
                raise HTTPException(413, f"The request is larger than {self._bytes_max} bytes.")
            return message

        await self._app(scope, count if scope["type"] == "http" else receive, send)


def _sampling(question: Question, engine: Engine, *, tokens_max: int) -> Sampling:
    return Sampling(
        tokens_max=tokens_max,
        temperature=engine.temperature if question.temperature is None else question.temperature,
        top_p=engine.top_p if question.top_p is None else question.top_p,
        top_k=engine.top_k,
        seed=question.seed,
        stops=question.stop,
    )


async def _answer_error(_request: Request, error: Exception) -> Response:
    if isinstance(error, ClientGone):
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    if not isinstance(error, KifabrikError):
        raise error
    status, body = describe_error(error)
    return JSONResponse(body, status_code=status, headers={"Retry-After": "2"} if status == 429 else None)


async def _answer_wrong_question(_request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fault = faults[0] if faults else {"loc": (), "msg": "it cannot be read"}
    field = ".".join(str(step) for step in fault["loc"] if step != "body")
    words = str(fault["msg"]).removeprefix("Value error, ")
    message = f"{field}: {words}." if field else f"{words[:1].upper()}{words[1:]}."
    return JSONResponse(error_body(message, status=400, param=field or None, code="invalid-input"), status_code=400)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    return JSONResponse(error_body(detail, status=status), status_code=status)


async def _answer_surprise(request: Request, _error: Exception) -> Response:
    log.error("failed path=%s", request.url.path)
    return JSONResponse(error_body("The server failed; its log says why.", status=500), status_code=500)
