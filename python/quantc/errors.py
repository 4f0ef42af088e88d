"""The exception and the warning that quantc raises."""

from __future__ import annotations


class Error(ValueError):
    """The compiler refuses something: a file, a configuration, an array, a target.

    ``str(error)`` is ``file: node: reason``, one line for each thing that is wrong. The lines are
    also there as the tuple ``error.messages``.
    """

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages: tuple[str, ...] = messages

    def __str__(self) -> str:
        return "\n".join(self.messages)


class QuantizationWarning(UserWarning):
    """Something was done, but probably not what was meant: a pattern that matches no layer."""
