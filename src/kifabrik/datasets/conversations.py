"""Chat and instruction rows in their common forms, brought into the one form: a list of role and content.

Knows rows of fields, not files or lines. Five forms are recognised: `messages` (OpenAI), `sharegpt` (conversations with
from and value), `preference` (chosen and rejected; the rejected answer is checked and left out, because no training
method here uses it), `alpaca` (instruction, input, output) and `prompt-completion`. Tool calls and pictures are not
read: a row with them is refused by name, never trained on in part.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

import orjson

Turn = tuple[str, str]
_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
}
_LABELS = {"system": "System: ", "user": "User: ", "assistant": "Assistant: "}
_BETWEEN = "\n\n"
_MESSAGE_FIELDS = ("messages", "conversation", "conversations")
_ANSWERS = ("completion", "response", "answer")
_QUESTIONS = ("prompt", "question", "query")


class BadConversation(Exception):
    """A row that is no conversation of its form; the message names the field."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a conversation: its name for the card, and the fields of the row it uses."""

    name: str
    fields: tuple[str, ...]
    read: Callable[[Mapping[str, object]], list[Turn]]


def recognise(row: Mapping[str, object]) -> Form | None:
    """Find the form of a file by its first row, or of a table by its columns; None for rows that are no chat."""
    names = set(row)
    if {"chosen", "rejected"} <= names:
        return Form("preference", _present(names, "prompt", "chosen", "rejected"), _read_preference)
    for name in _MESSAGE_FIELDS:
        if name in names and _may_be_list(row[name]):
            return _recognise_list(name, row[name])
    if {"instruction", "output"} <= names:
        return Form("alpaca", _present(names, "system", "instruction", "input", "output"), _read_alpaca)
    question = next((name for name in _QUESTIONS if name in names), "")
    answer = next((name for name in _ANSWERS if name in names), "")
    if question and answer:
        return Form("prompt-completion", (question, answer), lambda row: _read_pair(row, question, answer))
    return None


def convert(form: Form, row: Mapping[str, object]) -> list[Turn]:
    """Read the turns of a row and check their order; raises BadConversation with the field."""
    turns = form.read(row)
    _require_order(turns, form.fields[-1])
    return turns


def encode(turns: Iterable[Turn]) -> str:
    """Write turns as canonical JSON: a list of objects with content and role."""
    return orjson.dumps([{"content": content, "role": role} for role, content in turns]).decode()


def decode(messages: str) -> list[Turn]:
    """Read what `encode` wrote."""
    return [(str(each["role"]), str(each["content"])) for each in orjson.loads(messages)]


def render(turns: Iterable[Turn]) -> str:
    """Write turns as plain text: every word of every turn, each turn after the name of who speaks."""
    return _BETWEEN.join(_LABELS[role] + content for role, content in turns)


def edit(messages: str, change: Callable[[str, int], str]) -> str:
    """Change the contents one by one: `change` is given a content and where it begins in the rendered text.

    So what was found in the text at some offset is replaced in the turns too: text and turns never drift apart.
    """
    changed, place = [], 0
    for role, content in decode(messages):
        place += len(_LABELS[role])
        changed.append((role, change(content, place)))
        place += len(content) + len(_BETWEEN)
    return encode(changed)


def _present(names: Container[str], *wanted: str) -> tuple[str, ...]:
    return tuple(name for name in wanted if name in names)


def _may_be_list(value: object) -> bool:
    return value is None or isinstance(value, list)  # None stands for a column of a table, whose type was looked at


def _recognise_list(name: str, value: object) -> Form:
    first = value[0] if isinstance(value, list) and value else None
    is_sharegpt = name == "conversations" if not isinstance(first, dict) else "from" in first
    form = "sharegpt" if is_sharegpt else "messages"
    return Form(form, (name,), lambda row: _read_messages(row.get(name), name))


def _read_messages(value: object, field: str) -> list[Turn]:
    if not isinstance(value, list) or not value:
        raise BadConversation(f"the field '{field}' is no list of messages")
    return [_read_message(each, f"{field}[{number}]") for number, each in enumerate(value)]


def _read_message(message: object, place: str) -> Turn:
    if not isinstance(message, dict):
        raise BadConversation(f"{place} is no object with role and content")
    for name in ("tool_calls", "function_call"):
        if message.get(name):
            raise BadConversation(f"{place}.{name}: calls of tools are not read")
    role_field, content_field = ("from", "value") if "from" in message else ("role", "content")
    speaker = message.get(role_field)
    role = _ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        raise BadConversation(f"{place}.{role_field}: the role {_quote(speaker)} is not known")
    return role, _read_content(message.get(content_field), f"{place}.{content_field}")


def _read_content(value: object, place: str) -> str:
    if isinstance(value, list):  # OpenAI's parts
        return _require(
            _BETWEEN.join(_read_part(each, f"{place}[{number}]") for number, each in enumerate(value)), place
        )
    return _require(value, place)


def _read_part(part: object, place: str) -> str:
    if not isinstance(part, dict) or part.get("type") != "text":
        raise BadConversation(f"{place}: only parts of type 'text' are read")
    return _require(part.get("text"), place + ".text")


def _require(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise BadConversation(f"{place} is not a string" if value is not None else f"{place} is missing")
    if not value.strip():
        raise BadConversation(f"{place} is empty")
    return value


def _read_pair(row: Mapping[str, object], question: str, answer: str) -> list[Turn]:
    asked, answered = row.get(question), row.get(answer)
    if isinstance(asked, list):  # TRL writes prompt and completion as lists of messages too
        return [*_read_messages(asked, question), *_read_messages(answered, answer)]
    return [("user", _require(asked, question)), ("assistant", _require(answered, answer))]


def _read_alpaca(row: Mapping[str, object]) -> list[Turn]:
    instruction = _require(row.get("instruction"), "instruction")
    more = row.get("input")
    if more is not None and not isinstance(more, str):
        raise BadConversation("input is not a string")
    asked = f"{instruction}{_BETWEEN}{more}" if more and more.strip() else instruction
    turns = [("user", asked), ("assistant", _require(row.get("output"), "output"))]
    system = row.get("system")
    return [("system", system), *turns] if isinstance(system, str) and system.strip() else turns


def _read_preference(row: Mapping[str, object]) -> list[Turn]:
    prompt = row.get("prompt")
    before = _read_messages(prompt, "prompt") if isinstance(prompt, list) else []
    if isinstance(prompt, str):
        before = [("user", _require(prompt, "prompt"))]
    chosen, rejected = (_read_answer(row.get(name), name) for name in ("chosen", "rejected"))
    if chosen == rejected:
        raise BadConversation("chosen and rejected are the same")
    return chosen if chosen[: len(before)] == before else [*before, *chosen]


def _read_answer(value: object, field: str) -> list[Turn]:
    return _read_messages(value, field) if isinstance(value, list) else [("assistant", _require(value, field))]


def _require_order(turns: list[Turn], field: str) -> None:
    """System words come first if at all; then user and assistant take turns, and the assistant has the last word."""
    roles = [role for role, _ in turns]
    begin = 1 if roles[0] == "system" else 0
    for number, role in enumerate(roles[begin:], start=begin):
        expected = "user" if (number - begin) % 2 == 0 else "assistant"
        if role != expected:
            raise BadConversation(f"{field}: turn {number + 1} is by {role}, expected {expected}")
    if roles[-1] != "assistant":
        raise BadConversation(f"{field}: the answer of the assistant is missing")


def _quote(value: object) -> str:
    return repr(value)[:40] if value is not None else "(none)"
