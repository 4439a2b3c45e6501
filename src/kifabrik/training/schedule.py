"""How far a phase is and how fast it learns then. Pure arithmetic: knows neither clock nor model.

A time-boxed phase counts the time of all its attempts, so that it ends on time and on a cooled learning rate however
busy the machine is, and after a kill too.
"""

import math

from kifabrik.records.recipe import Budget

WARM_UP_SHARE = 0.03
COOL_SHARE = 0.6  # the last 60 % of the phase bring the learning rate down to zero
LAST_FACTOR = 0.02


def share_done(budget: Budget, *, step: int, elapsed_seconds: float) -> float:
    """Say which share of the budget is used, 0 to 1."""
    if budget.steps is not None:
        return min(1.0, step / budget.steps)
    return min(1.0, elapsed_seconds / (budget.time or 1))


def is_done(budget: Budget, *, step: int, elapsed_seconds: float) -> bool:
    """Say whether the phase ends here; a time-boxed phase makes at least one step."""
    return step > 0 and share_done(budget, step=step, elapsed_seconds=elapsed_seconds) >= 1.0


def seconds_left(budget: Budget, *, step: int, elapsed_seconds: float) -> float | None:
    """Forecast the rest of the phase from its pace so far; None before the first step of a step-boxed phase."""
    if budget.time is not None:
        return max(0.0, budget.time - elapsed_seconds)
    if budget.steps is None or step == 0:
        return None
    return elapsed_seconds / step * (budget.steps - step)


def learning_rate_factor(share: float) -> float:
    """Scale the learning rate: a short warm-up, a plateau, a cosine down to 2 %."""
    if share < WARM_UP_SHARE:
        return max(0.05, share / WARM_UP_SHARE)
    if share <= 1 - COOL_SHARE:
        return 1.0
    cooled = (share - (1 - COOL_SHARE)) / COOL_SHARE
    return LAST_FACTOR + (1 - LAST_FACTOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, cooled)))
