"""The doors as plain HTTP: shapes, refusals, limits, queue, watched folders."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kifabrik.core.errors import InvalidInput, Refused
from kifabrik.serving.application import build
from kifabrik.serving.engine import Engine
from kifabrik.serving.sampling import Sampling


@pytest.fixture(scope="module")
def client(release: Path, release_that_does_not_chat: Path) -> TestClient:
    return TestClient(build([release, release_that_does_not_chat]))


def ask(client: TestClient, door: str = "completions", **changes: object):
    question = {"model": "tiny", "prompt": "def add", "max_tokens": 5, "seed": 1} | changes
    return client.post(f"/v1/{door}", json={key: value for key, value in question.items() if value is not ...})


def chat(client: TestClient, **changes: object):
    question = {"messages": [{"role": "user", "content": "add"}], "prompt": ...}
    return ask(client, "chat/completions", **(question | changes))


def test_health_and_models(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok", "models": 2}
    models = client.get("/v1/models").json()
    assert (models["object"], [model["id"] for model in models["data"]]) == ("list", ["plain", "tiny"])
    assert client.get("/v1/models/tiny").json()["object"] == "model"
    assert client.get("/v1/models/none").status_code == 404


def test_completion_counts_its_tokens(client: TestClient) -> None:
    answer = ask(client, temperature=0).json()

    assert answer["object"] == "text_completion"
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["usage"]["total_tokens"] == 5 + answer["usage"]["prompt_tokens"]
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["text"]


def test_same_seed_gives_the_same_text_and_another_another(client: TestClient) -> None:
    texts = [ask(client, seed=seed, temperature=1.5, max_tokens=20).json()["choices"][0]["text"] for seed in (1, 1, 2)]

    assert texts[0] == texts[1] != texts[2]


def test_stream_says_the_same_as_the_whole_answer(client: TestClient) -> None:
    whole = ask(client, max_tokens=30).json()
    stream = ask(client, max_tokens=30, stream=True, stream_options={"include_usage": True})

    assert stream.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in stream.text.split("\n\n") if line]
    events = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == "[DONE]"
    assert "".join(event["choices"][0]["text"] for event in events[:-1]) == whole["choices"][0]["text"]
    assert (events[-1]["choices"], events[-1]["usage"]) == ([], whole["usage"])
    assert events[-2]["choices"][0]["finish_reason"] == "length"
    assert {event["id"] for event in events} == {events[0]["id"]}


def test_stop_string_cuts_the_text_and_is_not_said(client: TestClient) -> None:
    whole = ask(client, max_tokens=30).json()["choices"][0]["text"]
    stop = whole[4:6]

    answer = ask(client, max_tokens=30, stop=stop).json()

    assert answer["choices"][0] | {"text": ""} == {"index": 0, "finish_reason": "stop", "logprobs": None, "text": ""}
    assert answer["choices"][0]["text"] == whole[: whole.index(stop)]
    assert answer["usage"]["completion_tokens"] < 30


def test_more_tokens_than_fit_are_cut_to_what_fits(client: TestClient) -> None:
    answer = ask(client, max_tokens=10_000).json()

    assert answer["usage"]["total_tokens"] <= 96


def test_chat_has_its_own_shapes(client: TestClient) -> None:
    answer = chat(client).json()
    assert (answer["object"], answer["choices"][0]["message"]["role"]) == ("chat.completion", "assistant")

    stream = chat(client, stream=True)
    events = [json.loads(line.removeprefix("data: ")) for line in stream.text.split("\n\n")[:-2]]
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    said = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert said == answer["choices"][0]["message"]["content"]


def test_roles_and_parts_of_messages_reach_the_template(client: TestClient) -> None:
    short = chat(client).json()["usage"]["prompt_tokens"]
    parts = [{"type": "text", "text": "ad"}, {"type": "text", "text": "d"}]
    developer = {"role": "developer", "content": "be kind"}

    assert chat(client, messages=[{"role": "user", "content": parts}]).json()["usage"]["prompt_tokens"] == short
    more = chat(client, messages=[developer, {"role": "user", "content": "add"}]).json()
    assert more["usage"]["prompt_tokens"] > short


@pytest.mark.parametrize(
    ("changes", "status", "param", "words"),
    [
        ({"model": "none"}, 404, "model", "the model 'none' does not exist here."),
        ({"model": ...}, 400, "model", "model: Field required."),
        ({"logprobs": 1}, 400, None, "'logprobs' is not offered by this server; leave it out."),
        ({"logprobs": 0}, 400, None, "'logprobs' is not offered by this server; leave it out."),
        ({"n": 2}, 400, None, "'n' is not offered by this server; leave it out."),
        ({"echo": True}, 400, None, "'echo' is not offered by this server; leave it out."),
        ({"temperature": 3}, 400, "temperature", "temperature: Input should be less than or equal to 2."),
        ({"top_p": 0}, 400, "top_p", "top_p: Input should be greater than 0."),
        ({"max_tokens": 0}, 400, "max_tokens", "max_tokens: Input should be greater than or equal to 1."),
        ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop", "stop: Tuple should have at most 4 items"),
        ({"stop": ""}, 400, "stop.0", "at least 1 character."),
        ({"temprature": 1}, 400, "temprature", "temprature: Extra inputs are not permitted."),
        ({"prompt": ["a", "b"]}, 400, None, "one prompt in a request; send a request for each."),
        ({"prompt": []}, 400, None, "the prompt is empty."),
        ({"prompt": [99_999]}, 400, "prompt", "a number that is no token of this model."),
        ({"prompt": "add " * 200}, 400, "prompt", "and this model reads 96 in all. Shorten the prompt."),
    ],
)
def test_wrong_question_is_refused_in_openais_shape(client: TestClient, changes, status, param, words) -> None:
    answer = ask(client, **changes)

    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (status, "invalid_request_error")
    assert words.casefold() in error["message"].casefold()
    assert error["param"] in {param, "prompt.str"} or param is None


def test_parameters_that_ask_for_nothing_are_accepted(client: TestClient) -> None:
    assert ask(client, n=1, logprobs=None, presence_penalty=0, logit_bias={}, echo=False, user="me").status_code == 200


def test_prompt_may_come_as_tokens_or_in_a_list(client: TestClient) -> None:
    text = ask(client, prompt="def add").json()["choices"][0]["text"]

    assert ask(client, prompt=["def add"]).json()["choices"][0]["text"] == text
    assert ask(client, prompt=[5, 6, 7]).json()["usage"]["prompt_tokens"] == 3


def test_model_that_was_not_taught_to_chat_says_so(client: TestClient) -> None:
    answer = chat(client, model="plain")

    assert answer.status_code == 400
    assert "has no chat template. Use /v1/completions." in answer.json()["error"]["message"]


def test_unreadable_and_too_large_bodies_are_refused(client: TestClient) -> None:
    broken = client.post("/v1/completions", content=b"{", headers={"content-type": "application/json"})
    large = client.post("/v1/completions", content=b" " * (5 << 20), headers={"content-type": "application/json"})
    form = client.post(
        "/v1/completions", content=b'{"model": "tiny", "prompt": "a"}', headers={"content-type": "text/plain"}
    )

    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (large.status_code, "larger than" in large.json()["error"]["message"]) == (413, True)
    assert form.status_code == 400
    assert client.get("/v2").json()["error"]["message"] == "Not Found"
    assert client.get("/v1/completions").status_code == 405


def test_page_of_another_site_gets_no_permission(client: TestClient) -> None:
    answer = client.get("/v1/models", headers={"origin": "https://elsewhere.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.options("/v1/completions", headers={"origin": "https://x.example"}).status_code == 405


def test_queue_beyond_its_limit_is_told_to_come_back(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    generate = Engine.generate

    def wait(self: Engine, prompt: list[int], sampling: Sampling):
        begun.set()
        go_on.wait(10)
        yield from generate(self, prompt, sampling)

    monkeypatch.setattr(Engine, "generate", wait)
    with TestClient(build([release], waiting_max=1)) as client:
        answers: list[int] = []
        threads = [threading.Thread(target=lambda: answers.append(ask(client).status_code)) for _ in range(4)]
        threads[0].start()
        assert begun.wait(10)
        for thread in threads[1:]:
            thread.start()
        refused = ask(client, "chat/completions", prompt=..., messages=[{"role": "user", "content": "x"}])
        for thread in threads[1:]:
            thread.join(0.5)
        go_on.set()
        for thread in threads:
            thread.join()
        after = ask(client).status_code

    statuses = sorted([*answers, refused.status_code])
    assert statuses == [200, 200, 429, 429, 429]
    assert after == 200


def test_refusal_of_the_queue_has_its_own_type(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(build([release], waiting_max=0)) as client:
        begun, go_on = threading.Event(), threading.Event()

        def encode(self: Engine, text: str) -> list[int]:
            begun.set()
            go_on.wait(10)
            return [1]

        monkeypatch.setattr(Engine, "encode_text", encode)
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        assert begun.wait(10)

        refused = ask(client)

        go_on.set()
        thread.join()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"


def test_failure_inside_gives_the_turn_back_and_no_traceback(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(build([release], waiting_max=0), raise_server_exceptions=False)

    def fail(self: Engine, prompt: list[int], sampling: Sampling):
        raise RuntimeError("secret detail")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "generate", fail)
        whole, stream = ask(client), ask(client, stream=True)

    assert (whole.status_code, whole.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in whole.text + stream.text
    assert "The server failed while it wrote this answer." in stream.text
    assert ask(client).status_code == 200


def test_folder_that_appears_is_served_and_one_that_goes_is_not(release: Path, tmp_path: Path) -> None:
    watch = tmp_path / "releases"
    client = TestClient(build(watch=watch))
    assert client.get("/v1/models").json()["data"] == []
    assert ask(client).status_code == 404

    shutil.copytree(release, watch / "model-a" / ".5.half")
    assert ask(client, model="5").status_code == 404
    (watch / "model-a" / ".5.half").rename(watch / "model-a" / "5")
    assert ask(client, model="5").status_code == 200

    shutil.rmtree(watch / "model-a")
    assert ask(client, model="6").status_code == 404
    assert ask(client, model="5").status_code == 404


def test_watched_folder_that_is_not_admitted_does_not_hinder_the_others(release: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def admit(folder: Path) -> None:
        asked.append(folder.name)
        if folder.name == "bad":
            raise Refused("its signature does not fit.")

    for name in ("bad", "good"):
        shutil.copytree(release, tmp_path / name)
    client = TestClient(build(watch=tmp_path, admit=admit))

    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["good"]
    assert ask(client, model="good").status_code == 200
    assert ask(client, model="bad").status_code == 404
    assert asked == ["bad", "good", "good"]  # once to be listed, again to be loaded; a refusal is remembered


def test_release_changed_between_listing_and_loading_is_not_loaded(release: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(release, folder)
    client = TestClient(build([folder]))
    (folder / "model" / "model.safetensors").write_bytes(b"\xff" * 100)

    answer = ask(client)

    assert answer.status_code == 400
    assert "model.safetensors" in str(answer.json()["error"]["param"])


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling_tiny.py"])
def test_pickle_and_code_are_never_loaded(release: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(release, folder)
    (folder / "model" / name).write_bytes(b"import os")

    with pytest.raises(InvalidInput, match=name):
        build([folder])


def test_two_folders_of_one_name_and_a_missing_folder_are_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="two folders hold the model tiny"):
        build([release, release])
    with pytest.raises(InvalidInput, match="there is no model folder"):
        build([tmp_path / "none"])
