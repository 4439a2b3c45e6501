"""What clients get, in OpenAI's shapes: whole answers, streams, lists of models, errors. Knows shapes only."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError, NotFound, Refused
from kifabrik.core.ids import new_id
from kifabrik.serving.engine import Piece
from kifabrik.serving.shelf import Served
from kifabrik.serving.turns import QueueFull

STREAM_END = "data: [DONE]\n\n"
_STATUS: Mapping[type[KifabrikError], int] = {
    InvalidInput: 400,
    NotFound: 404,
    Refused: 403,
    Conflict: 409,
    QueueFull: 429,
}


@dataclass(slots=True)
class Answer:
    """One answer in the making: what all its parts share, and the tokens counted so far."""

    kind: Literal["completion", "chat"]
    model: str
    prompt_tokens: int
    id: str = ""
    created: int = field(default_factory=lambda: int(time.time()))
    text: str = ""
    tokens: int = 0
    finish: str | None = None

    def __post_init__(self) -> None:
        self.id = new_id("chatcmpl" if self.kind == "chat" else "cmpl")

    def add(self, piece: Piece) -> None:
        """Count a piece in."""
        self.text += piece.text
        self.tokens = piece.tokens
        self.finish = piece.finish

    def whole(self) -> dict[str, Any]:
        """Write the answer that does not stream."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": self.finish, "logprobs": None}
        if self.kind == "chat":
            choice["message"] = {"role": "assistant", "content": self.text, "refusal": None}
        else:
            choice["text"] = self.text
        return {**self._head(), "choices": [choice], "usage": self._usage()}

    def opening(self) -> str:
        """Write the first event of a chat stream, which names the role; a completion has none."""
        return self._event({"role": "assistant", "content": ""}) if self.kind == "chat" else ""

    def event(self, piece: Piece) -> str:
        """Write the event of one piece; a piece without text that does not end the answer has none."""
        text = ""
        if piece.text:
            text += self._event({"content": piece.text} if self.kind == "chat" else piece.text)
        if piece.finish:
            text += self._event({} if self.kind == "chat" else "", finish=piece.finish)
        return text

    def closing(self, *, with_usage: bool) -> str:
        """Write what comes after the last piece."""
        usage = self._as_event({**self._head(streams=True), "choices": [], "usage": self._usage()})
        return (usage if with_usage else "") + STREAM_END

    def _event(self, content: object, *, finish: str | None = None) -> str:
        choice: dict[str, object] = {"index": 0, "logprobs": None, "finish_reason": finish}
        choice["delta" if self.kind == "chat" else "text"] = content
        return self._as_event({**self._head(streams=True), "choices": [choice]})

    def _head(self, *, streams: bool = False) -> dict[str, Any]:
        kind = "text_completion" if self.kind == "completion" else "chat.completion"
        name = f"{kind}.chunk" if streams and self.kind == "chat" else kind
        return {"id": self.id, "object": name, "created": self.created, "model": self.model}

    def _usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "total_tokens": self.prompt_tokens + self.tokens,
        }

    @staticmethod
    def _as_event(value: Mapping[str, Any]) -> str:
        return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def error_event(error: Mapping[str, Any]) -> str:
    """Write an error that happens in the middle of a stream."""
    return f"data: {json.dumps(error, ensure_ascii=False)}\n\n"


def model_entry(served: Served) -> dict[str, Any]:
    """Describe one model."""
    return {"id": served.name, "object": "model", "created": served.made_at, "owned_by": "kifabrik"}


def describe_error(error: KifabrikError) -> tuple[int, dict[str, Any]]:
    """Write an error of the house: status and body."""
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    message = f"{error.message} {error.remedy}".strip()
    return status, error_body(message, status=status, param=error.where or None, code=error.code)


def error_body(message: str, *, status: int, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Write an error in the shape that OpenAI's clients read."""
    kinds = {429: "rate_limit_error", 403: "permission_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
