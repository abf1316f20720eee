"""Compares a launch with the terms that the user agreed to; pre-flight's rules and the hooks share this comparison.

A launch states each term in one of four ways (`Stated`). A term that a script leaves to its environment is undecided, not
different. Nothing here reads a script or a file.
"""

from __future__ import annotations

import math
import operator
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs.contract import number, valid_entry

#: `known`: this value. `default`: this value unless the environment or an option overrides it. `runtime`: a value that is
#: decided at run time. `unknown`: nothing is known.
State = Literal["known", "default", "runtime", "unknown"]
Outcome = Literal["same", "differs", "undecided"]
#: An upper limit for the processes of one fine-tuning launch.
_MOST_PROCESSES = 64


class Stated(NamedTuple):
    """What a launch states about one term; `how` says what decides a value that is not `known`."""

    state: State
    value: Any = None
    how: str = ""


class Batch(NamedTuple):
    """The factors of an effective batch; `processes` is None if the launch does not state it."""

    per_device: int
    accumulation: int
    processes: int | None = None


class Difference(NamedTuple):
    """One term in which a launch is not as agreed.

    Attributes:
        term: the entry of the task, dotted (`max_length`, `hub.private`).
        agreed: the agreed value.
        is_: the value that the launch states.
        outcome: `differs`, or `undecided` if only the run decides it.
        message: one sentence with both values.
        costs: the consequence for the user.
        way_on: how to keep to the agreement.
    """

    term: str
    agreed: Any
    is_: Any
    outcome: Outcome
    message: str
    costs: str
    way_on: str


def differs(task: Mapping[str, Any], launch: Mapping[str, Stated]) -> list[Difference]:
    """Everything in which `launch` is not as agreed in `task`, in the order of TERMS.

    Args:
        task: the values of the task file; entries that are missing or malformed are not compared.
        launch: dotted term -> what the launch states; missing terms are not compared. `datasets` is a list of
            ids, `effective_batch` a `Batch`, `tracking.tool` a name or a list of names.
    """
    differences = [difference(term, agreed, launch[term]) for term, agreed in _agreed(task) if term in launch]
    return [each for each in differences if each is not None]


def difference(term: str, agreed: Any, stated: Stated) -> Difference | None:
    """The difference in one term, None when the launch is as agreed."""
    outcome = compare(term, agreed, stated)
    if outcome == "same":
        return None
    rule = TERMS[term]
    is_ = _shown(rule.shown(stated.value))
    stated_text = f"{rule.what} is {is_}" if stated.state in ("known", "default") else f"{rule.what}: {stated.how or 'not known'}"
    decided = f" ({stated.how} decides)" if outcome == "undecided" and stated.state == "default" and stated.how else ""
    message = f"{stated_text}{decided}; the user agreed to {_shown(rule.shown(agreed))}"
    return Difference(term, agreed, stated.value, outcome, message, rule.costs, rule.way_on)


def compare(term: str, agreed: Any, stated: Stated) -> Outcome:
    """Whether the value that a launch states for a term is the agreed one."""
    if stated.state not in ("known", "default"):
        return "undecided"
    if TERMS[term].same(agreed, stated.value):
        return "same"
    return "differs" if stated.state == "known" else "undecided"


def _same_model(agreed: Any, value: Any) -> bool:
    """`./tiny` and `tiny/` are one folder; ids on the Hub have no such spellings."""
    if agreed == value or not (isinstance(agreed, str) and isinstance(value, str)):
        return bool(agreed == value)
    return bool(agreed and value) and posixpath.normpath(agreed) == posixpath.normpath(value)


def _same_batch(agreed: Any, value: Any) -> bool:
    """Whether the products are equal; an unknown number of processes may be any that makes them equal."""
    if not isinstance(value, Batch):
        return bool(agreed == value)
    product = value.per_device * value.accumulation
    if value.processes:
        return bool(product * value.processes == agreed)
    return product > 0 and agreed % product == 0 and agreed // product <= _MOST_PROCESSES


def _same_tool(agreed: Any, value: Any) -> bool:
    """Whether the agreed tracker is among those stated; None, `[]` and "none" mean the same."""
    names = value if isinstance(value, (list, tuple)) else [value]
    trackers = [name for name in names if name not in (None, "none")]
    return agreed in trackers or (agreed == "none" and not trackers)


def _same_data(agreed: Any, value: Any) -> bool:
    """Whether at least one dataset is loaded, and all loaded ones were agreed on."""
    loaded = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    return bool(loaded) and set(map(str, loaded)) <= {str(dataset["id"]) for dataset in agreed}


def _same_privacy(agreed: Any, value: Any) -> bool:
    """Whether an agreed private repository stays private; None is the Hub's default, public. Private for public is fine."""
    return value is True if agreed else True


def _ids(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(dataset, dict) for dataset in value):
        return ", ".join(str(dataset.get("id")) for dataset in value)
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _factors(value: Any) -> Any:
    if not isinstance(value, Batch):
        return value
    product = value.per_device * value.accumulation
    each = f"{value.per_device} x {value.accumulation}"
    return f"{each} x {value.processes} processes = {product * value.processes}" if value.processes else f"{each} = {product}"


class Term(NamedTuple):
    """How one entry of a task is compared and described."""

    what: str
    costs: str
    way_on: str
    same: Callable[[Any, Any], bool] = operator.eq
    shown: Callable[[Any], Any] = _ids


_MEMORY = (
    "restore the agreed value; if memory ran out, use a smaller per-device batch with more accumulation, then activation "
    "checkpointing, then a larger card"
)
_ASK = "ask the user and record the answer with `task change --reason`"
TERMS: dict[str, Term] = {
    "method": Term("the method", "a different method optimises a different objective", _ASK),
    "adapter": Term("the training", "adapter and full training give different models", _MEMORY),
    "base_model.id": Term("the base model", "another model gives another result", f"{_MEMORY}; or {_ASK}", _same_model),
    "base_model.revision": Term("the base model's revision", "results cannot be compared", "write the revision that was agreed"),
    "datasets": Term("the data", "training on other data gives another model", _ASK, _same_data),
    "max_length": Term("max_length", "a smaller value cuts longer rows, a larger one needs more memory", _MEMORY),
    "effective_batch": Term(
        "the effective batch", "rows per update decide learning rate and result", _MEMORY, _same_batch, _factors
    ),
    "tracking.tool": Term(
        "report_to", "the run cannot be watched", "fix what stops the tracker from starting; do not switch it off", _same_tool
    ),
    "tracking.project": Term("the Trackio project", "the run is not where the user looks for it", "write the agreed project"),
    "tracking.space_id": Term("the Trackio Space", "the dashboard is elsewhere", "write the agreed Space"),
    "hub.model_id": Term("the upload", "the model goes to another repository", "write the agreed id"),
    "hub.private": Term(
        "the model's repository",
        "a model that was to stay private becomes public",
        "write hub_private_repo=True",
        _same_privacy,
        lambda value: "private" if value is True else "public",
    ),
    "where": Term("the place", "it costs money or time on this machine", _ASK),
    "account": Term("the account", "another account pays", "give --namespace with the agreed account"),
}


def _agreed(task: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The terms that launches are compared with; empty for a closed task."""
    if task.get("state") == "closed":
        return
    hub = task.get("hub")
    for term in TERMS:
        name, _, part = term.partition(".")
        agreed = valid_entry(task, name, part)
        # A null term leaves the choice open, except for the Hub id: there, null means that nothing is uploaded.
        uploads_nothing = term == "hub.model_id" and isinstance(hub, Mapping) and "model_id" in hub and hub["model_id"] is None
        if agreed or agreed is False or uploads_nothing:
            yield term, agreed


def _shown(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value) and number(value) is not None and value.is_integer():
        value = int(value)
    return "nothing" if value is None else clean(value, limit=90) or '""'
