"""How a launch differs from what the user agreed to, as data: the one comparison for pre-flight's rules and for the hooks.

A launch states each thing it decides in one of four ways (`Stated`); what a script leaves to its environment is not a difference
yet. Nothing here reads a script or a file.
"""

from __future__ import annotations

import math
import operator
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs.contract import number, readable

#: `known`: this value. `default`: this value unless the environment or an option says otherwise. `runtime`: set, to something
#: that only the run decides. `unknown`: not even that is known.
State = Literal["known", "default", "runtime", "unknown"]
Outcome = Literal["same", "differs", "undecided"]
#: More processes than any single launch of a fine-tuning run has.
_MOST_PROCESSES = 64


class Stated(NamedTuple):
    """What a launch says of one thing; `how` tells what decides it where it is not `known`."""

    state: State
    value: Any = None
    how: str = ""


class Batch(NamedTuple):
    """The factors of an effective batch; `processes` is None where the launch does not tell."""

    per_device: int
    accumulation: int
    processes: int | None = None


class Difference(NamedTuple):
    """One thing that is not as agreed.

    Attributes:
        term: the entry of the task, dotted (`max_length`, `hub.private`).
        agreed: its value there.
        is_: what the launch says.
        outcome: `differs`, or `undecided` where only the run will tell.
        message: one sentence with both values.
        costs: what changes for the user.
        way_on: what keeps the task as it was agreed.
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
        launch: dotted term -> what the launch says of it; a term that is missing is not compared. `datasets` is a list of
            ids, `effective_batch` a `Batch`, `tracking.tool` a name or a list of names.
    """
    found = [difference(term, agreed, launch[term]) for term, agreed in _agreed(task) if term in launch]
    return [each for each in found if each is not None]


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
    """Whether what a launch says of a term is what was agreed."""
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
    """The product is what counts; without the number of processes any that makes it up will do."""
    if not isinstance(value, Batch):
        return bool(agreed == value)
    product = value.per_device * value.accumulation
    if value.processes:
        return bool(product * value.processes == agreed)
    return product > 0 and agreed % product == 0 and agreed // product <= _MOST_PROCESSES


def _same_tool(agreed: Any, value: Any) -> bool:
    """`["trackio", "tensorboard"]` holds what was agreed; None, `[]` and "none" are one."""
    names = value if isinstance(value, (list, tuple)) else [value]
    real = [name for name in names if name not in (None, "none")]
    return agreed in real or (agreed == "none" and not real)


def _same_data(agreed: Any, value: Any) -> bool:
    """Every dataset that is loaded was agreed on, and at least one is."""
    loaded = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    return bool(loaded) and set(map(str, loaded)) <= {str(dataset["id"]) for dataset in agreed}


def _same_privacy(agreed: Any, value: Any) -> bool:
    """Private instead of public is no difference; None is the default of the Hub's account, which is public."""
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


_MEMORY = "out of memory: smaller per-device batch with more accumulation, checkpointing, then a larger card"
_ASK = "ask the user and record the answer with `task change --reason`"
TERMS: dict[str, Term] = {
    "method": Term("the method", "another method trains for another goal", _ASK),
    "adapter": Term("the training", "adapter and full training give different models", _MEMORY),
    "base_model.id": Term("the base model", "another model gives another result", f"{_MEMORY}; or {_ASK}", _same_model),
    "base_model.revision": Term("the base model's revision", "results cannot be compared", "write the revision that was agreed"),
    "datasets": Term("the data", "training on other data gives another model", _ASK, _same_data),
    "max_length": Term("max_length", "longer rows are cut", _MEMORY),
    "effective_batch": Term(
        "the effective batch", "rows per update decide learning rate and result", _MEMORY, _same_batch, _factors
    ),
    "tracking.tool": Term(
        "report_to", "the run cannot be watched", "repair the tracker's start; do not switch it off", _same_tool
    ),
    "tracking.project": Term("the Trackio project", "the run is not where the user looks for it", "write the agreed project"),
    "tracking.space_id": Term("the Trackio Space", "the dashboard is elsewhere", "write the agreed Space"),
    "hub.model_id": Term("the upload", "the model goes to another repository", "write the agreed id"),
    "hub.private": Term(
        "the model's repository",
        "a model that was to stay private becomes public",
        "hub_private_repo=True",
        _same_privacy,
        lambda value: "private" if value is True else "public",
    ),
    "where": Term("the place", "it costs money or time on this machine", _ASK),
    "account": Term("the account", "another account pays", "give --namespace with the agreed account"),
}


def _agreed(task: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The terms that launches are compared with; none of a closed task."""
    if task.get("state") == "closed":
        return
    hub = task.get("hub")
    for term in TERMS:
        name, _, part = term.partition(".")
        agreed = readable(task, name, part)
        # An absent figure or name leaves the choice open; but null as the id on the Hub is a term: nothing is uploaded.
        uploads_nothing = term == "hub.model_id" and isinstance(hub, Mapping) and "model_id" in hub and hub["model_id"] is None
        if agreed or agreed is False or uploads_nothing:
            yield term, agreed


def _shown(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value) and number(value) is not None and value.is_integer():
        value = int(value)
    return "nothing" if value is None else clean(value, limit=90) or '""'
