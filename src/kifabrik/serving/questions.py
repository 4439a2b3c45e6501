"""What clients may ask, in OpenAI's shapes. Everything this server cannot do is refused by name, never ignored."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

# Parameters of OpenAI's API that this server does not offer, and the values that ask for nothing.
_NOT_OFFERED: dict[str, tuple[Any, ...]] = {
    "best_of": (None, 1),
    "echo": (None, False),
    "frequency_penalty": (None, 0, 0.0),
    "function_call": (None, "none"),
    "functions": (None, []),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "n": (None, 1),
    "parallel_tool_calls": (None, True, False),
    "presence_penalty": (None, 0, 0.0),
    "reasoning_effort": (None,),
    "response_format": (None, {"type": "text"}),
    "service_tier": (None, "auto", "default"),
    "store": (None, False),
    "suffix": (None, ""),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
    "top_logprobs": (None, 0),
}

Stop = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class StreamOptions(BaseModel):
    """What a stream ends with."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool = False
    include_obfuscation: bool = False


class Question(BaseModel):
    """What both kinds of question share; None means the model's own default."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)

    model: str = Field(min_length=1, max_length=200)
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: tuple[Stop, ...] = Field(default=(), max_length=4)
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str = ""
    metadata: dict[str, str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_not_offered(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for name, neutral in _NOT_OFFERED.items():
            given = value.get(name)
            if not any(type(given) is type(each) and given == each for each in neutral):  # 0 is not False here
                raise ValueError(f"'{name}' is not offered by this server; leave it out")
        return {name: each for name, each in value.items() if name not in _NOT_OFFERED}

    @field_validator("stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return () if value is None else (value,) if isinstance(value, str) else value

    @property
    def wants_usage_at_the_end(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class CompletionQuestion(Question):
    """Text to be continued, or its tokens."""

    prompt: str | list[str] | list[int]

    @property
    def single_prompt(self) -> str | list[int]:
        if isinstance(self.prompt, str):
            return self.prompt
        return self.prompt[0] if isinstance(self.prompt[0], str) else [int(token) for token in self.prompt]

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if isinstance(self.prompt, list):
            if not self.prompt:
                raise ValueError("the prompt is empty")
            if isinstance(self.prompt[0], str) and len(self.prompt) > 1:
                raise ValueError("one prompt in a request; send a request for each")
        return self


class TextPart(BaseModel):
    """A piece of a message; this server reads text only."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str = ""

    def as_turn(self) -> dict[str, str]:
        content = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class ChatQuestion(Question):
    """A conversation to be answered."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)

    @property
    def tokens_max(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens
