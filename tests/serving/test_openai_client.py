"""The unmodified OpenAI client against a real server on this machine; a client that hangs up ends its generation."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
import uvicorn

from kifabrik.serving.application import build
from kifabrik.serving.engine import Engine


class Server(uvicorn.Server):
    """A server in a thread beside the tests."""

    def install_signal_handlers(self) -> None:
        """Leave the signals to pytest."""


@pytest.fixture(scope="module")
def address(release: Path, release_that_does_not_chat: Path) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # before the thread starts, so that a client that is quicker waits instead of being refused
        application = build([release, release_that_does_not_chat])
        server = Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["plain", "tiny"]
    assert client.models.retrieve("tiny").owned_by == "kifabrik"


def test_completion(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny", prompt="def", max_tokens=8, temperature=0)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_streamed_completion_says_the_same(client: openai.OpenAI) -> None:
    asked = {"model": "tiny", "prompt": "def", "max_tokens": 30, "seed": 3}

    whole = client.completions.create(**asked).choices[0].text
    pieces = [chunk.choices[0].text for chunk in client.completions.create(**asked, stream=True)]

    assert "".join(pieces) == whole
    assert len(pieces) > 3


def test_chat_and_streamed_chat_say_the_same(client: openai.OpenAI) -> None:
    asked = {
        "model": "tiny", "messages": [{"role": "user", "content": "add two numbers"}], "max_completion_tokens": 20,
        "seed": 3,
    }  # fmt: skip

    whole = client.chat.completions.create(**asked)
    stream = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_errors_are_the_clients_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.completions.create(model="none", prompt="x")
    with pytest.raises(openai.BadRequestError, match="'logprobs' is not offered"):
        client.completions.create(model="tiny", prompt="x", logprobs=3)
    with pytest.raises(openai.BadRequestError, match="no chat template"):
        client.chat.completions.create(model="plain", messages=[{"role": "user", "content": "x"}])

    assert unknown.value.code == "model_not_found"


def ask_and_hang_up(url: str, body: dict[str, object]) -> None:
    if body["stream"]:
        with httpx.stream("POST", url, json=body) as answer:
            next(answer.iter_lines())
    else:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json=body, timeout=0.3)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_client_that_hangs_up_ends_its_generation(address: str, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    steps: list[float] = []
    advance = Engine._advance

    def count(self: Engine, *arguments: object):
        steps.append(time.monotonic())
        time.sleep(0.05)
        return advance(self, *arguments)

    monkeypatch.setattr(Engine, "_advance", count)
    monkeypatch.setattr(Engine, "room_after", lambda self, prompt: 80)
    body = {"model": "tiny", "prompt": "d", "max_tokens": 80, "temperature": 0, "stream": stream}
    ask_and_hang_up(f"{address}/v1/completions", body)
    time.sleep(0.5)
    done = len(steps)
    time.sleep(0.4)

    assert len(steps) == done < 40
    monkeypatch.setattr(Engine, "_advance", advance)
    answer = httpx.post(f"{address}/v1/completions", json={**body, "stream": False, "max_tokens": 2}, timeout=10)
    assert answer.status_code == 200  # its turn was given back
