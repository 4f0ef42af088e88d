"""Learning rates over time."""

from __future__ import annotations

import math
from collections.abc import Callable

from quantc.config import format_choices
from quantc.errors import Error

Schedule = Callable[[int, int], float]
"""From the number of a step, from 0, and of all steps to a factor on the learning rate."""

SCHEDULES: dict[str, Schedule] = {
    "constant": lambda step, steps: 1.0,
    "cosine": lambda step, steps: 0.5 * (1.0 + math.cos(math.pi * step / steps)),
    "linear": lambda step, steps: 1.0 - step / steps,
}


def get_schedule(schedule: str | Schedule | None) -> Schedule:
    """Return the schedule of that name, or ``schedule`` itself where it is a function."""
    if callable(schedule):
        return schedule
    name = "constant" if schedule is None else schedule
    if name not in SCHEDULES:
        raise Error(
            f"schedule={schedule!r}; it must be {format_choices(tuple(SCHEDULES))}, or a function "
            "of the step and the number of steps"
        )
    return SCHEDULES[name]
