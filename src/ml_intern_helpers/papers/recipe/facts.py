"""One value that a paper states, and the words that state it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

#: `set`: in use; `searched`: one of several that were tried; `range`: both ends; `none`: said not to be used.
Kind = Literal["set", "searched", "range", "none"]


@dataclass(frozen=True)
class Fact:
    """A statement of the paper.

    Attributes:
        name: of the parameter (`learning_rate`) or the kind of thing (`base_model`, `dataset`, `hardware` …).
        value: a number where one is meant, else text; None with kind `none`.
        as_written: the value in the paper's spelling.
        unit: `steps`, `tokens`, `ratio` …, or None.
        context: what it holds for, in the paper's words: `per device`, `for SFT`, a table's row and column; or None.
        quote: the sentence, or the table's row with its head.
        section: number and title of where it stands.
        label: `Table 4`, or None for running text.
        stage: of training, where the paper says which: `SFT`, `DPO`, `reward model`, `evaluation` …; or None.
    """

    name: str
    value: float | int | str | None
    as_written: str
    quote: str
    section: str
    kind: Kind = "set"
    unit: str | None = None
    context: str | None = None
    label: str | None = None
    stage: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
