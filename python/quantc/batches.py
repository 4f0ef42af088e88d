"""Sample data, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from quantc.errors import Error
from quantc.progress import track

Batch = Any
"""An array for the only input, a sequence in the order of the inputs, or a dict by name."""


def iterate_batches(
    data: Iterable[Batch] | Batch, source: str, description: str
) -> Iterator[tuple[str, Batch]]:
    """Yield each batch of ``data`` after what opens errors about it; show progress.

    One NumPy array, or one dict, is one batch. Raises ``quantc.Error``, which calls the data
    ``source``, for what is no data.
    """
    if isinstance(data, (Mapping, np.ndarray)) or hasattr(data, "__dlpack__"):
        data = [data]
    try:
        batches = iter(data)
    except TypeError:
        raise Error(
            f"{source}: a {type(data).__name__}; it must be an iterable of arrays or of dicts of "
            "arrays by input name"
        ) from None
    sized = data if hasattr(data, "__len__") else batches
    for index, batch in enumerate(track(sized, description)):
        yield f"{source}: batch {index}: ", batch
