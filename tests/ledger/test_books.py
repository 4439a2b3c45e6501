"""The books: each verb by example, then any order of verbs by a state machine."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.ledger import books
from kifabrik.ledger.books import Balance, TransferKind

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
A = "alloc-1"


def granted(amount=100):
    return books.grant((), key="grant", allocation_id=A, gpu_seconds=amount, at=AT)


def reserved(amount=60, *, before=None, key="run:1"):
    lines = before or granted()
    return (*lines, *books.reserve(lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT, run_id="run"))


def post(lines, amount, *, key="post:1", reservation="run:1"):
    new = books.post(lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT, reservation=reservation)
    return (*lines, *new)


def test_a_grant_can_be_reserved() -> None:
    assert books.balance(granted()) == Balance(granted=100)
    assert books.balance(reserved()) == Balance(granted=100, reserved=60)
    assert books.balance(reserved()).available == 40


def test_what_was_not_used_comes_back() -> None:
    lines = post(reserved(), 45)

    assert [line.kind for line in lines[2:]] == [TransferKind.POST, TransferKind.VOID]
    assert books.balance(lines) == Balance(granted=100, consumed=45)
    assert books.open_reservations(lines) == {}


def test_using_more_than_reserved_is_a_stated_overdraft() -> None:
    lines = post(reserved(), 130)

    assert [books.is_overdraft(line) for line in lines] == [False, False, False, True]
    assert lines[-1].note == "overdraft"
    assert books.balance(lines).available == -30
    assert books.check_invariants(lines) == ()


def test_using_nothing_is_said_too() -> None:
    lines = post(reserved(), 0)

    assert [(line.kind, line.gpu_seconds) for line in lines[2:]] == [(TransferKind.POST, 0), (TransferKind.VOID, 60)]
    assert books.balance(lines) == Balance(granted=100)


def test_usage_that_comes_after_the_void_is_booked_from_the_budget() -> None:
    lines = reserved()
    lines = (*lines, *books.void(lines, key="void:1", allocation_id=A, reservation="run:1", at=AT))
    lines = post(lines, 20)

    assert books.is_overdraft(lines[-1])
    assert books.balance(lines) == Balance(granted=100, consumed=20)


def test_usage_without_a_reservation_is_booked_all_the_same() -> None:
    lines = post(granted(), 20, reservation="")

    assert books.balance(lines) == Balance(granted=100, consumed=20)
    assert books.check_invariants(lines) == ()


def test_the_rest_expires_and_reserved_time_stays() -> None:
    lines = reserved()
    lines = (*lines, *books.expire(lines, key="expire", allocation_id=A, at=AT))

    assert books.balance(lines) == Balance(granted=100, reserved=60, expired=40)
    assert books.expire(lines, key="expire:2", allocation_id=A, at=AT) == ()


@pytest.mark.parametrize("amount", [0, -1])
def test_amounts_are_positive(amount) -> None:
    with pytest.raises(InvalidInput):
        granted(amount)
    with pytest.raises(InvalidInput):
        reserved(amount)
    with pytest.raises(InvalidInput):
        post(reserved(), -1)


def test_a_budget_does_not_promise_what_it_has_not() -> None:
    with pytest.raises(Conflict) as caught:
        reserved(50, before=reserved(), key="run:2")

    assert caught.value.code == "budget-too-small"


def test_every_key_books_once() -> None:
    lines = reserved()

    assert books.grant(lines, key="grant", allocation_id=A, gpu_seconds=100, at=AT) == ()
    assert books.reserve(lines, key="run:1", allocation_id=A, gpu_seconds=60, at=AT) == ()
    for used in (0, 20, 60, 90):
        posted = post(lines, used)
        assert post(posted, used) == posted
    voided = (*lines, *books.void(lines, key="void:1", allocation_id=A, reservation="run:1", at=AT))
    assert books.void(voided, key="void:1", allocation_id=A, reservation="run:1", at=AT) == ()


def test_a_key_with_another_meaning_is_a_conflict() -> None:
    lines = post(reserved(), 45)

    for again in (
        lambda: books.grant(lines, key="grant", allocation_id=A, gpu_seconds=99, at=AT),
        lambda: books.reserve(lines, key="grant", allocation_id=A, gpu_seconds=10, at=AT),
        lambda: post(lines, 46),
        lambda: books.void(lines, key="post:1", allocation_id=A, reservation="run:1", at=AT),
        lambda: books.expire(lines, key="post:1", allocation_id=A, at=AT),
    ):
        with pytest.raises(Conflict) as caught:
            again()
        assert caught.value.code == "key-taken"


def test_a_reservation_is_settled_once() -> None:
    lines = post(reserved(), 45)

    with pytest.raises(Conflict, match="booked already"):
        post(lines, 10, key="post:2")
    with pytest.raises(Conflict):
        books.void(lines, key="void:2", allocation_id=A, reservation="run:1", at=AT)
    with pytest.raises(Conflict, match="no such reservation"):
        post(lines, 10, key="post:3", reservation="run:9")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gpu_seconds": 500}, "ledger.below-zero"),
        ({"gpu_seconds": -1}, "ledger.amount"),
        ({"debit": "pool"}, "ledger.accounts"),
        ({"credit": "consumed:alloc-2"}, "ledger.owner"),
        ({"key": "run:1"}, "ledger.key-twice"),
        ({"reservation": "run:7"}, "ledger.no-reservation"),
    ],
)
def test_a_changed_line_is_found(change, code) -> None:
    lines = list(post(reserved(), 45))
    lines[2] = replace(lines[2], **change)

    assert code in {finding.code for finding in books.check_invariants(lines)}


class Books(RuleBasedStateMachine):
    """Any order of verbs keeps the books sound; a plain model says what the balance must be."""

    reservations = Bundle("reservations")

    def __init__(self):
        super().__init__()
        self.lines = ()
        self.count = 0
        self.model = {"granted": 0, "consumed": 0, "expired": 0}
        self.open = {}

    def add(self, new):
        self.lines = (*self.lines, *new)

    def key(self):
        self.count += 1
        return f"key-{self.count}"

    @property
    def left(self):
        return self.model["granted"] - self.model["consumed"] - self.model["expired"] - sum(self.open.values())

    @rule(amount=st.integers(1, 1000))
    def grant(self, amount):
        key = self.key()
        for _ in range(2):
            self.add(books.grant(self.lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT))
        self.model["granted"] += amount

    @rule(amount=st.integers(1, 1000), target=reservations)
    def reserve(self, amount):
        key = self.key()
        if amount > self.left:
            with pytest.raises(Conflict):
                books.reserve(self.lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT)
            return multiple()
        for _ in range(2):
            self.add(books.reserve(self.lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT))
        self.open[key] = amount
        return key

    @rule(key=consumes(reservations), used=st.integers(0, 2000))
    def post(self, key, used):
        posting = self.key()
        for _ in range(2):
            new = books.post(self.lines, key=posting, allocation_id=A, gpu_seconds=used, at=AT, reservation=key)
            self.add(new)
        del self.open[key]
        self.model["consumed"] += used

    @rule(key=consumes(reservations))
    def void(self, key):
        voiding = self.key()
        for _ in range(2):
            self.add(books.void(self.lines, key=voiding, allocation_id=A, reservation=key, at=AT))
        del self.open[key]

    @rule()
    def expire(self):
        rest = max(0, self.left)
        key = self.key()
        for _ in range(2):
            self.add(books.expire(self.lines, key=key, allocation_id=A, at=AT))
        self.model["expired"] += rest

    @invariant()
    def the_books_are_sound(self):
        assert books.check_invariants(self.lines) == ()
        assert sum(books.account_balances(self.lines).values()) == 0
        assert books.balance(self.lines) == Balance(reserved=sum(self.open.values()), **self.model)
        assert books.balance(self.lines).available == self.left
        assert dict(books.open_reservations(self.lines)) == self.open
        assert [line.number for line in self.lines] == list(range(1, len(self.lines) + 1))

    @invariant()
    def replaying_the_lines_gives_the_same_state(self):
        accounts = {}
        for line in self.lines:
            accounts[line.debit] = accounts.get(line.debit, 0) - line.gpu_seconds
            accounts[line.credit] = accounts.get(line.credit, 0) + line.gpu_seconds
        assert accounts == books.account_balances(self.lines)


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_any_order_of_verbs = Books.TestCase
