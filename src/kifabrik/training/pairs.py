"""Finds pairs of prompt and completion inside the documents themselves. Knows text, not tokens.

Three ways: a Python function's signature and the first paragraph of its docstring; the turns of a conversation; in
other texts a heading, or a first sentence, and what follows it. What cannot be used is counted, never dropped in
silence.
"""

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

PairKind = Literal["signature-docstring", "prompt-completion"]

_PYTHON = frozenset({"py", "python"})
_HEADING = re.compile(r"^#{1,6} +(?P<heading>\S.*?)\s*#*$", re.MULTILINE)
_FIRST_SENTENCE = re.compile(r"^(?P<first>[^\n]{15,300}?[.!?:])\s+(?P<rest>\S.{14,})$", re.DOTALL)
COMPLETION_CHARACTERS_MAX = 2000


class Source(NamedTuple):
    """A document as pairs are looked for in it; `messages` is its conversation as JSON, or empty."""

    format: str
    text: str
    messages: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """What the model is shown and what it should write; `before` are the earlier exchanges of a conversation."""

    prompt: str
    completion: str
    before: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class PairCounts:
    """What became of the documents and candidates that were looked at."""

    documents: int = 0
    unreadable_documents: int = 0
    duplicates: int = 0
    seen: set[Pair] = field(default_factory=set)


def extract(documents: Iterable[Source], *, kind: PairKind, counts: PairCounts) -> Iterator[Pair]:
    """Yield the distinct pairs of documents in their order, filling `counts` on the way."""
    find: Callable[[Source], list[Pair]] = _from_python if kind == "signature-docstring" else _from_any
    for document in documents:
        if kind == "signature-docstring" and document.format.lstrip(".").lower() not in _PYTHON:
            continue
        counts.documents += 1
        try:
            found = find(document)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            counts.unreadable_documents += 1
            continue
        for pair in found:
            if pair in counts.seen:
                counts.duplicates += 1
                continue
            counts.seen.add(pair)
            yield pair


def _from_any(document: Source) -> list[Pair]:
    return _from_conversation(document.messages) if document.messages else _from_prose(document.text)


def _from_conversation(messages: str) -> list[Pair]:
    """Pair every answer with the words before it, joined as the chat template of a served model joins them."""
    pairs: list[Pair] = []
    asked: list[str] = []
    before: list[tuple[str, str]] = []
    for message in json.loads(messages):
        if message["role"] != "assistant":
            asked.append(message["content"])
            continue
        pairs.append(Pair("\n".join(asked), message["content"], tuple(before)))
        before.append((pairs[-1].prompt, pairs[-1].completion))
        asked = []
    return pairs


def _from_python(document: Source) -> list[Pair]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old sources hold escapes that the parser warns about
        tree = ast.parse(document.text)
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    pairs = []
    for function in functions:
        summary = " ".join((ast.get_docstring(function) or "").strip().split("\n\n")[0].split())
        if summary:
            pairs.append(Pair(_signature(function), summary[:COMPLETION_CHARACTERS_MAX]))
    return pairs


def _signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    word = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{word} {function.name}({ast.unparse(function.args)}){returns}:"


def _from_prose(text: str) -> list[Pair]:
    pairs = []
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        body = text[heading.end() : following.start() if following else len(text)].strip()
        paragraph = body.split("\n\n")[0].strip()
        if paragraph:
            pairs.append(Pair(heading["heading"], paragraph[:COMPLETION_CHARACTERS_MAX]))
    for paragraph in re.split(r"\n\s*\n", text):
        match = None if paragraph.startswith("#") else _FIRST_SENTENCE.match(paragraph.strip())
        if match:
            pairs.append(Pair(match["first"], match["rest"].strip()[:COMPLETION_CHARACTERS_MAX]))
    return pairs
