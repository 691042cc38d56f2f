"""What a question may still cost: calls, tokens and seconds, shared by an agent and the agents it runs. Thread-safe."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from ragsys.errors import BudgetSpent
from ragsys.types import Usage
from ragsys.wording import counted, verb

CANCELLED = "cancelled"  # the reason of a purse that was ended from outside


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was set aside for one call before it began: an estimate that its real usage replaces."""

    calls: int
    tokens: int


@dataclass(slots=True)
class Purse:
    """The rest of a budget. A slice for a sub-agent is a purse of its own whose spending also counts in its parent.

    Once something was refused the purse is `spent` for good, and so are its slices: no later, cheaper call slips
    through, so that every agent sees the same end.
    """

    calls: int
    tokens: int
    deadline: float  # of `time.monotonic`
    parent: Purse | None = None
    usage: Usage = field(default_factory=Usage)
    _reserved: Reservation = Reservation(0, 0)
    _reason: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def of(cls, *, calls: int, tokens: int, seconds: float) -> Purse:
        """A whole budget, its time running from now."""
        return cls(calls, tokens, time.monotonic() + seconds)

    def slice(self, share: float) -> Purse:
        """A part of what is left: at least one call if there is one."""
        if not 0 < share <= 1:
            raise ValueError(f"a share is in (0, 1], found {share}")
        with self._lock:
            calls = self.calls - self.usage.calls - self._reserved.calls
            tokens = self.tokens - self.usage.tokens - self._reserved.tokens
            deadline = time.monotonic() + self.seconds_left * share
            # shared lock: a purse and its slices change together
            return Purse(
                min(calls, max(1, int(calls * share))), int(tokens * share), deadline, parent=self, _lock=self._lock
            )

    @property
    def seconds_left(self) -> float:
        """Until the deadline, its own or a parent's; never negative."""
        own = max(0.0, self.deadline - time.monotonic())
        return min(own, self.parent.seconds_left) if self.parent else own

    @property
    def spent(self) -> str:
        """Why nothing more is admitted; empty while there is something left."""
        return self._reason or (self.parent.spent if self.parent else "")

    @property
    def tokens_left(self) -> int:
        """Tokens neither used nor reserved, here and in every parent."""
        own = self.tokens - self.usage.tokens - self._reserved.tokens
        return min(own, self.parent.tokens_left) if self.parent else own

    def end(self, reason: str) -> BudgetSpent:
        """Latch this purse and return the error to raise."""
        with self._lock:
            self._reason = self._reason or reason
            larger = "a larger budget: --budget 60s,40k   or answer.budget in the config"
            return BudgetSpent(self._reason, hint=None if self._reason == CANCELLED else larger)

    def cancel(self) -> None:
        """End everything now: calls in flight are given up within a tenth of a second."""
        with self._lock:
            self._reason = self._reason or CANCELLED
            self.deadline = min(self.deadline, time.monotonic())

    def check(self) -> None:
        """Raises `BudgetSpent` if nothing more may start."""
        reason = self.spent
        if reason:
            raise self.end(reason)
        if self.seconds_left <= 0:
            raise self.end("the budget's time is up")

    def reserve(self, calls: int, tokens: int) -> Reservation:
        """Set aside the estimated cost of one call, here and in every parent. Raises `BudgetSpent` and latches."""
        with self._lock:
            self.check()
            purse: Purse | None = self
            while purse is not None:
                if purse.usage.calls + purse._reserved.calls + calls > purse.calls:
                    raise purse.end(_spent(purse.calls, "model call"))
                if calls and purse.usage.tokens + purse._reserved.tokens + tokens > purse.tokens:
                    raise purse.end(_spent(purse.tokens, "token"))
                purse = purse.parent
            self._move(calls, tokens, Usage())
            return Reservation(calls, tokens)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """Replace a reservation by what was really used."""
        with self._lock:
            self._move(-reservation.calls, -reservation.tokens, usage)

    def _move(self, calls: int, tokens: int, usage: Usage) -> None:
        purse: Purse | None = self
        while purse is not None:
            purse._reserved = Reservation(purse._reserved.calls + calls, purse._reserved.tokens + tokens)
            purse.usage = purse.usage + usage
            purse = purse.parent


def _spent(amount: float, noun: str) -> str:
    return f"the budget's {counted(int(amount), noun)} {verb(int(amount))} spent"
