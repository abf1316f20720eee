"""What a person sees while it runs: which step of how many, what came of it, how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


class Screen:
    """Numbered steps on stdout; on a terminal the running one has a spinner.

    Args:
        steps: how many there will be.
    """

    def __init__(self, steps: int) -> None:
        self.console = Console(highlight=False, markup=False, soft_wrap=True)
        self.steps = steps
        self.done = 0
        self.trained = 0  # training steps seen so far
        self.started = time.monotonic()
        self._status = self.console.status("")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the heading, then what `say` is told, then the time it took and the time since the start."""
        self.done += 1
        begun = time.monotonic()
        self.console.print(Text(f"[{self.done}/{self.steps}] {title}", style="bold"))
        with self._status:
            self.tell("working")
            yield
        now = time.monotonic()
        self.say(f"{now - begun:.1f} s, {now - self.started:.0f} s since the start", style="dim")

    def say(self, text: str, *, style: str = "") -> None:
        """A line under the current step; several when `text` has several."""
        for line in text.splitlines():
            self.console.print(Text(f"      {line}", style=style))

    def tell(self, text: str) -> None:
        """What is going on right now: beside the spinner, nowhere else."""
        self._status.update(Text(text))

    def plain(self, text: str) -> None:
        self.console.print(Text(text))
