"""A portal in memory that keeps the rules of the real one's site API, checked against it in `tests/verified/`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from kifabrik.core import digests
from kifabrik.core.findings import Finding
from kifabrik.records import AccountedJob, EvaluationReport, Recipe, RunEvent, RunManifest, UsageRecord
from kifabrik.records.run_state import FINAL, MOVES, RunState


@dataclass
class FakeRun:
    """A run as the portal remembers it."""

    id: str
    inputs: list[dict[str, Any]]
    recipe: Recipe
    dataset_digest: str
    time_limit_seconds: int = 60
    devices: int = 1
    nodes: int = 1
    processes_per_node: int = 1
    cluster_account: str = ""
    wanted: str = "run"
    state: RunState = RunState.REQUESTED
    attempts: int = 0
    state_attempt: int = 0
    job_id: str = ""
    reason: str = ""
    states: list[str] = field(default_factory=list)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    manifest: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, title: str, detail: str = "") -> None:
        super().__init__(title)
        self.answer = httpx.Response(
            status,
            json={"type": f"urn:kifabrik:{code}", "code": code, "status": status, "title": title, "detail": detail},
            headers={"content-type": "application/problem+json"},
        )


class FakePortal:
    """Answers the agent's requests; `calls` remembers them, `before` and `after` may interfere."""

    def __init__(self, *, token: str = "secret", budget_gpu_seconds: int = 10_000) -> None:
        self.token = token
        self.budget = budget_gpu_seconds
        self.runs: dict[str, FakeRun] = {}
        self.files: dict[str, bytes] = {}
        self.reserved: dict[str, int] = {}
        self.posted: dict[str, int] = {}
        self.usage: dict[str, UsageRecord] = {}
        self.interim: dict[str, int] = {}
        self.allocations: list[dict[str, Any]] = []
        self.accounted: dict[tuple[str, str, str], AccountedJob] = {}
        self.accounted_until: str | None = None
        self.silent_jobs: list[str] = []
        self.findings: list[Finding] = []
        self.calls: list[str] = []
        self.before: Callable[[httpx.Request], None] = lambda request: None
        self.after: Callable[[httpx.Request], None] = lambda request: None

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def store(self, data: bytes) -> str:
        digest = digests.digest_bytes(data)
        self.files[digest] = data
        return digest

    def request_run(self, run_id: str, files: dict[str, bytes], **changes: Any) -> FakeRun:
        digest = digests.digest_listing({path: digests.digest_bytes(data) for path, data in files.items()})
        recipe = Recipe.model_validate({"name": "demo", "dataset": digest, "pretraining": {"budget": {"steps": 10}}})
        inputs = [{"path": path, "digest": self.store(data), "size_bytes": len(data)} for path, data in files.items()]
        run = self.runs[run_id] = FakeRun(
            **{"id": run_id, "inputs": inputs, "recipe": recipe, "dataset_digest": digest, **changes}
        )
        return run

    @property
    def open_reservations(self) -> set[str]:
        return set(self.reserved) - set(self.posted)

    @property
    def left(self) -> int:
        open_sum = sum(self.reserved[key] for key in self.open_reservations)
        return self.budget - open_sum - sum(self.posted.values())

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.before(request)
        try:
            answer = self._answer(request)
        except Problem as problem:
            answer = problem.answer
        self.after(request)
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        self.calls.append(f"{request.method} {path}")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Problem(401, "unauthenticated", "Sign in first.")
        if path == "/site/desired":
            return httpx.Response(200, json=self._desired(request.url.params.get("allocations_known", "")))
        if path == "/site/accounting":
            return httpx.Response(200, json=self._accounting(orjson.loads(request.read())))
        if path == "/site/findings":
            self.findings = [Finding.from_dict(row) for row in orjson.loads(request.read())["findings"]]
            return httpx.Response(200, json={"open": len(self.findings)})
        if path.startswith("/files/"):
            return self._file(request, path.removeprefix("/files/"))
        _, _site, _runs, run_id, verb = path.split("/")
        if run_id not in self.runs:
            raise Problem(404, "not-found", "There is no such run at this site.")
        body = orjson.loads(request.read())
        return httpx.Response(200, json=getattr(self, f"_{verb}")(self.runs[run_id], body))

    def open_allocation(self, account: str, **changes: Any) -> dict[str, Any]:
        facts = {"id": f"alloc-{account}", "cluster_account": account, "state": "open", "ends_on": "2027-11-24",
            "granted_gpu_seconds": self.budget, "budget_gpu_seconds": self.budget, "members": []}  # fmt: skip
        self.allocations.append({**facts, **changes})
        return self.allocations[-1]

    def _desired(self, allocations_known: str) -> dict[str, Any]:
        wanted = [run for run in self.runs.values() if self._is_wanted(run)]
        digest = digests.digest_bytes(orjson.dumps(self.allocations))
        return {
            "site": "laptop",
            "now": "2026-11-24T12:00:00Z",
            "runs": [self._as_desired(run) for run in wanted],
            "allocations_digest": digest,
            "allocations": None if allocations_known == digest else self.allocations,
            "accounting_since": self.accounted_until,
            "silent_jobs": self.silent_jobs,
        }

    def _accounting(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep the newest statement about each job: nothing shrinks, and the cursor does not go back."""
        if len(body["rows"]) > 1000:
            raise Problem(422, "invalid-input", "At most 1000 rows in one report.")
        for row in map(AccountedJob.model_validate, body["rows"]):
            identity = (row.cluster, row.job_id, row.submitted_at)
            known = self.accounted.get(identity)
            if known is None or _statement(row) > _statement(known):
                self.accounted[identity] = row
        self.accounted_until = max(body["until"] or "", self.accounted_until or "") or None
        return {"changed": len(body["rows"]), "posted_gpu_seconds": 0, "accounting_since": self.accounted_until}

    def _is_wanted(self, run: FakeRun) -> bool:
        lacks_usage = any(key.startswith(f"{run.id}:") for key in self.open_reservations)
        lacks_outputs = run.state is RunState.SUCCEEDED and (run.manifest is None or run.evaluation is None)
        return run.state not in FINAL or lacks_usage or lacks_outputs

    def _as_desired(self, run: FakeRun) -> dict[str, Any]:
        known = 0
        while known + 1 in run.events:
            known += 1
        return {
            "id": run.id,
            "wanted": run.wanted,
            "state": run.state,
            "attempts": run.attempts,
            "recipe": run.recipe.model_dump(mode="json"),
            "dataset_digest": run.dataset_digest,
            "inputs": run.inputs,
            "time_limit_seconds": run.time_limit_seconds,
            "devices": run.devices,
            "nodes": run.nodes,
            "processes_per_node": run.processes_per_node,
            "allocation_id": "alloc-1",
            "cluster_account": run.cluster_account,
            "events_known": known,
        }

    def _file(self, request: httpx.Request, digest: str) -> httpx.Response:
        if request.method == "PUT":
            data = request.read()
            if digests.digest_bytes(data) != digest:
                raise Problem(422, "wrong-digest", "The bytes that arrived have another digest.")
            self.files[digest] = data
            return httpx.Response(200, json={"digest": digest, "size_bytes": len(data)})
        if digest not in self.files:
            raise Problem(404, "not-found", "There is no such file.")
        return httpx.Response(200, content=b"" if request.method == "HEAD" else self.files[digest])

    def _reserve(self, run: FakeRun, body: dict[str, Any]) -> dict[str, Any]:
        attempt = body["attempt"]
        key = f"{run.id}:{attempt}"
        if key in self.reserved:
            return {}
        if run.state in FINAL or run.wanted == "stop":
            raise Problem(409, "conflict", "The run is to stop or has ended; nothing is reserved for it.")
        if attempt != run.attempts + 1:
            raise Problem(409, "conflict", f"The next attempt of this run is number {run.attempts + 1}.")
        needed = run.time_limit_seconds * run.devices
        if needed > self.left:
            raise Problem(409, "budget-too-small", "The budget does not hold another attempt.")
        self.reserved[key] = needed
        run.attempts, run.job_id = attempt, ""
        return {}

    def _state(self, run: FakeRun, body: dict[str, Any]) -> dict[str, Any]:
        state, attempt = RunState(body["state"]), body["attempt"]
        passed = {RunState.RUNNING: {RunState.RUNNING, RunState.SUBMITTED}}.get(run.state, {run.state})
        if run.state in FINAL or attempt < run.state_attempt or (attempt == run.state_attempt and state in passed):
            return {}
        if attempt > run.attempts and state not in {RunState.REFUSED, RunState.CANCELLED}:
            raise Problem(409, "conflict", f"Attempt {attempt} has reserved no time.")
        before = run.state
        if state is not before:
            fills_in = before is RunState.REQUESTED and state not in MOVES[before]
            for step in (RunState.SUBMITTED, state) if fills_in else (state,):
                if step not in MOVES[run.state]:
                    raise Problem(409, "conflict", f"The run is {run.state} and cannot become {step}.")
                run.state = step
        run.state_attempt, run.job_id = attempt, body["job_id"] or run.job_id
        run.states.append(f"{state}:{attempt}")
        run.reason = body["reason"] or run.reason
        if before is RunState.REQUESTED and state in {RunState.REFUSED, RunState.CANCELLED} and not run.job_id:
            for key in self.open_reservations:
                if key.startswith(f"{run.id}:"):
                    self.posted[key] = 0
        return {}

    def _events(self, run: FakeRun, body: dict[str, Any]) -> dict[str, Any]:
        for row in body["events"]:
            run.events.setdefault(RunEvent.model_validate(row).sequence, row)
        return {"next": self._as_desired(run)["events_known"] + 1}

    def _usage(self, run: FakeRun, body: dict[str, Any]) -> dict[str, Any]:
        record = UsageRecord.model_validate(body)
        if record.run_id != run.id or record.key != f"{run.id}:{record.attempt}":
            raise Problem(422, "invalid-input", "The usage record is about another run.")
        if record.attempt > run.attempts:
            raise Problem(422, "invalid-input", f"The run has made {run.attempts} attempts only.")
        is_going = bool(record.job_id and record.started_at and not record.ended_at)
        if is_going and run.state not in FINAL and record.attempt == run.attempts:
            known_seconds = max(record.gpu_seconds, self.interim.get(record.key, 0))
            self.interim[record.key] = known_seconds
            return {}
        known = self.usage.get(record.key)
        if known is not None and known.gpu_seconds != record.gpu_seconds:
            raise Problem(409, "conflict", "This attempt is booked already.")
        self.usage.setdefault(record.key, record)
        self.posted.setdefault(record.key, record.gpu_seconds)
        return {}

    def _outputs(self, run: FakeRun, body: dict[str, Any]) -> dict[str, Any]:
        for entry in body["files"]:
            if entry["digest"] not in self.files or len(self.files[entry["digest"]]) != entry["size_bytes"]:
                raise Problem(422, "invalid-input", f"{entry['path']} is not in the store.")
        papers = (sorted(body["files"], key=lambda entry: entry["path"]), body["manifest"], body["evaluation"])
        if papers == (run.outputs, run.manifest, run.evaluation):
            return {}
        if run.manifest is not None and run.evaluation is not None:
            raise Problem(409, "conflict", "The outputs of this run are reported already and differ.")
        for paper, record in ((papers[1], RunManifest), (papers[2], EvaluationReport)):
            if paper is not None and record.model_validate(paper).run_id != run.id:
                raise Problem(422, "invalid-input", "The paper is not about this run.")
        run.outputs, run.manifest, run.evaluation = papers
        return {}


def _statement(row: AccountedJob) -> tuple[int, int, int, bool]:
    way = 2 if row.ended_at is not None else int(row.state == "RUNAWAY")
    return row.restarts, way, row.gpu_seconds, row.started_at is not None
