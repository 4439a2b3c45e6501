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


def post(lines, amount, *, subject="1", reservation="run:1", is_final=True):
    new = books.post(
        lines,
        subject=subject,
        allocation_id=A,
        gpu_seconds=amount,
        at=AT,
        reservation=reservation,
        is_final=is_final,
    )
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
    lines = post(granted(), 120, reservation="")

    assert books.balance(lines) == Balance(granted=100, consumed=120)
    assert [(books.is_overdraft(line), books.is_unreserved(line)) for line in lines[1:]] == [(False, True)]
    assert books.check_invariants(lines) == ()
    assert post(granted(), 0, reservation="") == granted()


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
        lambda: books.void(lines, key="post:1@45", allocation_id=A, reservation="run:1", at=AT),
        lambda: books.expire(lines, key="post:1@45", allocation_id=A, at=AT),
        lambda: books.hand_back(lines, key="grant", allocation_id=A, gpu_seconds=10, at=AT),
    ):
        with pytest.raises(Conflict) as caught:
            again()
        assert caught.value.code == "key-taken"


def test_a_reservation_belongs_to_one_subject() -> None:
    lines = post(reserved(), 45)

    with pytest.raises(Conflict, match="booked already"):
        post(lines, 10, subject="2")
    with pytest.raises(Conflict):
        books.void(lines, key="void:2", allocation_id=A, reservation="run:1", at=AT)
    with pytest.raises(Conflict, match="no such reservation"):
        post(lines, 10, subject="3", reservation="run:9")


def test_a_running_attempt_is_booked_as_it_grows() -> None:
    lines = post(post(reserved(), 20, is_final=False), 35, is_final=False)

    assert [line.gpu_seconds for line in lines[2:]] == [20, 15]
    assert books.balance(lines) == Balance(granted=100, reserved=25, consumed=35)
    assert books.open_reservations(lines) == {"run:1": 25}
    with pytest.raises(Conflict, match="booked already"):
        books.void(lines, key="void:1", allocation_id=A, reservation="run:1", at=AT)


def test_the_end_of_an_attempt_gives_back_what_it_did_not_use() -> None:
    lines = post(post(reserved(), 20, is_final=False), 45)

    assert [(line.kind, line.gpu_seconds) for line in lines[2:]] == [
        (TransferKind.POST, 20),
        (TransferKind.POST, 25),
        (TransferKind.VOID, 15),
    ]
    assert books.balance(lines) == Balance(granted=100, consumed=45)
    assert books.open_reservations(lines) == {}


@pytest.mark.parametrize("reports", [[20, 45, 45], [45, 20], [45, 0, 20, 45]])
def test_old_and_repeated_reports_change_nothing(reports) -> None:
    lines = reserved()
    for amount in reports:
        lines = post(lines, amount, is_final=False)

    assert books.balance(lines) == Balance(granted=100, reserved=15, consumed=45)
    settled = post(lines, 30)  # the last word says less than what is booked: nothing shrinks, the rest comes back
    assert books.balance(settled) == Balance(granted=100, consumed=45)
    assert post(settled, 20, is_final=False) == settled


def test_an_attempt_that_grows_beyond_its_reservation_or_after_its_end_is_overdrawn() -> None:
    running = post(post(reserved(), 60, is_final=False), 70, is_final=False)
    ended = post(post(reserved(), 45), 50, is_final=False)

    for lines, used in ((running, 70), (ended, 50)):
        assert books.is_overdraft(lines[-1])
        assert books.balance(lines) == Balance(granted=100, consumed=used)
        assert books.check_invariants(lines) == ()


def hand_back(lines, amount, key="return:1"):
    return (*lines, *books.hand_back(lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT))


def test_what_is_not_needed_goes_back_to_the_pool_once() -> None:
    lines = hand_back(hand_back(reserved(), 30), 30)

    assert books.balance(lines) == Balance(granted=100, reserved=60, returned=30)
    assert books.balance(lines).usable == 70
    assert books.account_balances(lines)["pool"] == -70
    assert books.check_invariants(lines) == ()


@pytest.mark.parametrize("amount", [41, 1000])
def test_what_is_reserved_or_used_cannot_be_handed_back(amount) -> None:
    with pytest.raises(Conflict) as caught:
        hand_back(reserved(), amount)

    assert caught.value.code == "budget-too-small"
    with pytest.raises(InvalidInput):
        hand_back(reserved(), 0)
    with pytest.raises(Conflict):
        hand_back(post(reserved(), 130), 1)


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
        self.model = {"granted": 0, "consumed": 0, "expired": 0, "returned": 0}
        self.open = {}
        self.used = {}
        self.jobs = {}

    def add(self, new):
        self.lines = (*self.lines, *new)

    def key(self):
        self.count += 1
        return f"key-{self.count}"

    @property
    def left(self):
        gone = self.model["consumed"] + self.model["expired"] + self.model["returned"]
        return self.model["granted"] - gone - sum(self.open.values())

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
        self.used[key] = 0
        return key

    @rule(key=reservations, used=st.integers(0, 2000), is_final=st.booleans())
    def report(self, key, used, is_final):
        """Reports of running and of ended attempts, in any order, again and again, also after the end."""
        for _ in range(2):
            new = books.post(
                self.lines,
                subject=key,
                allocation_id=A,
                gpu_seconds=used,
                at=AT,
                reservation=key,
                is_final=is_final,
            )
            self.add(new)
        growth = max(0, used - self.used[key])
        self.used[key] += growth
        self.model["consumed"] += growth
        left = max(0, self.open.pop(key, 0) - growth)
        if left and not is_final:
            self.open[key] = left

    @rule(number=st.integers(1, 3), used=st.integers(0, 500))
    def report_by_selection(self, number, used):
        """A job that no run started; its own lines are enough to book it."""
        subject = f"job:{number}"
        own = [line for line in self.lines if line.subject == subject]
        new = books.post(own, subject=subject, allocation_id=A, gpu_seconds=used, at=AT, last_number=len(self.lines))
        self.add(new)
        growth = max(0, used - self.jobs.get(subject, 0))
        self.jobs[subject] = self.jobs.get(subject, 0) + growth
        self.model["consumed"] += growth

    @rule(amount=st.integers(1, 1000))
    def hand_back(self, amount):
        key = self.key()
        if amount > self.left:
            with pytest.raises(Conflict):
                books.hand_back(self.lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT)
            return
        for _ in range(2):
            self.add(books.hand_back(self.lines, key=key, allocation_id=A, gpu_seconds=amount, at=AT))
        self.model["returned"] += amount

    @rule(key=consumes(reservations))
    def void(self, key):
        voiding = self.key()
        if key not in self.open or self.used[key]:
            return
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
