"""A bounded, repeatable sample of rows from a stream: the first ones (TRL decides by row one) and a spread over the rest."""

from __future__ import annotations

import random
from typing import Any

Row = dict[str, Any]


class Sampler:
    """Keeps at most `size` rows in at most about `budget_bytes`.

    The first fifth of the sample is the head of the data; the rest is drawn evenly (reservoir, fixed seed), so that what
    goes wrong in row 60,000 is seen as well as what goes wrong in row 6.
    """

    def __init__(self, size: int, budget_bytes: int = 128 * 1024 * 1024) -> None:
        self.size = size
        self.head_size = max(size // 5, 1)
        self.seen = 0
        self._budget = budget_bytes
        self._used = 0
        self._head: list[tuple[int, Row]] = []
        self._spread: list[tuple[int, Row, int]] = []
        self._random = random.Random(0)

    def add(self, number: int, row: Row, num_bytes: int) -> None:
        """Offer row `number` (1-based), `num_bytes` long in the file."""
        self.seen += 1
        if len(self._head) < self.head_size:
            self._head.append((number, row))
            self._used += num_bytes
            return
        place = self._place()
        if place is None:
            return
        freed = self._spread[place][2] if place < len(self._spread) else 0
        if self._used - freed + num_bytes > self._budget:
            return
        self._used += num_bytes - freed
        self._spread[place : place + 1] = [(number, row, num_bytes)]

    def _place(self) -> int | None:
        """Where in the reservoir the current row goes, or None."""
        room = self.size - self.head_size
        if len(self._spread) < room:
            return len(self._spread)
        place = self._random.randrange(self.seen - len(self._head))
        return place if place < room else None

    def result(self) -> tuple[list[Row], list[int]]:
        """The sampled rows and their numbers, in the order of the data."""
        kept = sorted([*self._head, *((number, row) for number, row, _ in self._spread)], key=lambda item: item[0])
        return [row for _, row in kept], [number for number, _ in kept]
