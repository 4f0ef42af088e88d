"""JSON from files that nobody vouches for."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from quantc.errors import Error


def parse_object(text: bytes, where: str) -> dict[str, Any]:
    """Return the object that ``text`` is.

    Raises ``quantc.Error``, which begins with ``where``, unless it is one JSON object in UTF-8,
    not nested too deeply, whose names are unique and whose numbers are finite.
    """

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise Error(f"{where}: the name {twice!r} occurs twice")
        return result

    def refuse_constant(constant: str) -> NoReturn:
        raise Error(f"{where}: {constant} is not JSON")

    try:
        value = json.loads(
            text.decode(), object_pairs_hook=make_object, parse_constant=refuse_constant
        )
    except RecursionError:
        raise Error(f"{where}: not JSON that can be read: it is nested too deeply") from None
    except Error:
        raise
    except ValueError as error:
        raise Error(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Error(f"{where}: a JSON {type(value).__name__}; it must be an object")
    return value
