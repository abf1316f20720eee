"""The task contract: what the user agreed to, read from `.ml-intern/task.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs import places
from ml_intern_helpers.runs.task_schema import SCHEMA, faults, readable
from ml_intern_helpers.runs.when import parsed

MAX_BYTES = 1024 * 1024


class Task(NamedTuple):
    """A task file.

    Attributes:
        path: where it lies.
        values: its content as written; `usable` is what a rule may rely on.
        problem: why nothing in it can be read, "" when it can.
        faults: entries that are missing or are not what the schema says, one line each.
    """

    path: Path
    values: Mapping[str, Any] = MappingProxyType({})
    problem: str = ""
    faults: tuple[str, ...] = ()

    def usable(self, name: str, part: str = "") -> Any:
        """One entry (`"method"`; `"hub", "model_id"`), None where it is missing or malformed."""
        return readable(self.values, name, part)

    @property
    def open(self) -> bool:
        """Whether work on it goes on; a file without a state is open, one that cannot be read holds nothing open."""
        return not self.problem and self.values.get("state", "open") != "closed"

    @property
    def id(self) -> str | None:
        """What ties runs to it; None in a file that was written by hand."""
        found = self.usable("id")
        return str(found) if found is not None else None

    @property
    def cap_usd(self) -> float:
        """Dollars that all its runs together may cost; 0 means no paid job, and stands for a missing figure, too."""
        return float(self.usable("spend_cap_usd") or 0.0)

    @property
    def cap_usd_per_day(self) -> float | None:
        """Dollars within any 24 hours; None means no limit besides the task's."""
        found = self.usable("spend_cap_usd_per_day")
        return None if found is None else float(found)

    @property
    def agreed_at(self) -> datetime | None:
        return parsed(self.values.get("agreed_at"))

    @property
    def ends_at(self) -> datetime | None:
        """The earlier of the deadline and of the time budget counted from the agreement; None without either."""
        ends = [parsed(self.usable("deadline"))]
        budget, start = self.usable("time_budget_s"), self.agreed_at
        if budget is not None and start is not None:
            ends.append(_later(start, float(budget)))
        return min((end for end in ends if end is not None), default=None)


def task_for(*starts: Path) -> Task | None:
    """The nearest task of the folders `starts` (a script's, then the working one); None when nothing was agreed on.

    Never raises for what lies there: a file that cannot be read is a `Task` with a `problem`.
    """
    path = places.task_path(*starts)
    return None if path is None else read_task(path)


def read_task(path: Path) -> Task:
    """The task file at `path`, or why it is none."""
    try:
        data = _bytes(path)
        values = json.loads(data, parse_constant=_no_number)
    except RecursionError:
        return Task(path, problem="it is nested too deep to be a task file")
    except OSError as err:
        return Task(path, problem=clean(err.strerror or err, limit=120))
    except (ValueError, BadData) as err:
        return Task(path, problem=f"it is no JSON: {clean(err, limit=120)}" if isinstance(err, ValueError) else err.message)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        return Task(path, problem=f'its "schema" is not "{SCHEMA}"')
    return Task(path, values, faults=tuple(faults(values)))


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise BadData("a broken link stands in its place" if path.is_symlink() else "it is not a file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadData(f"it is larger than {MAX_BYTES // 1024} KiB")
    return data


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _later(start: datetime, seconds: float) -> datetime | None:
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return None
