"""Represents what is known about a value, or about the entries of a dict, without running the script."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import ast

#: `known`: this value. `default`: this value unless the environment or an option changes it. `runtime`: set to a value that only
#: the run determines. `unknown`: even whether it is set is not known.
State = Literal["known", "default", "runtime", "unknown"]


class Value(NamedTuple):
    """A value, or the reason why there is none.

    Attributes:
        state: see `State`.
        value: the Python value (`known`, `default`): a constant, or a list, tuple or dict of constants.
        reason: in one clause, the variable that may change it (`default`), what computes it (`runtime`), or why it is `unknown`.
        conditional: a condition in the script decides its value, or whether it is set at all (`runtime` only).
        by_option: a command-line option may change it, not an environment variable (`default` only).
    """

    state: State
    value: Any = None
    reason: str = ""
    conditional: bool = False
    by_option: bool = False

    @property
    def settled(self) -> bool:
        """There is a Python value (`known` or `default`)."""
        return self.state in ("known", "default")


def known(value: object) -> Value:
    return Value("known", value)


def default(value: object, decides: str, *, by_option: bool = False) -> Value:
    """`value`, unless the environment variables (with `by_option`, the options) named in `decides` change it."""
    assert decides, "a default needs what may change it"
    return Value("default", value, decides, by_option=by_option)


def computed(result: object, values: Iterable[Value]) -> Value:
    """The `result` computed from settled values; it is a default when one of them is."""
    defaults = [value for value in values if value.state == "default"]
    if not defaults:
        return known(result)
    return default(result, ", ".join(dict.fromkeys(value.reason for value in defaults)), by_option=defaults[0].by_option)


def runtime(reason: str, *, conditional: bool = False) -> Value:
    assert reason, "a value that only the run decides needs a reason"
    return Value("runtime", None, reason, conditional)


def unknown(reason: str) -> Value:
    assert reason, "an unknown value needs a reason"
    return Value("unknown", None, reason)


class Setting(NamedTuple):
    """A value and the node that sets it (the value of a keyword, or an assignment)."""

    value: Value
    node: ast.AST


class Entries(NamedTuple):
    """The entries of a dict with string keys; `open` says why there may be more, "" when there are none."""

    items: dict[str, Setting]
    open: str = ""

    def opened(self, why: str) -> Entries:
        """The same entries, marked as possibly incomplete; the first reason is kept."""
        return Entries(self.items, self.open or why)

    def merged(self, other: Entries) -> Entries:
        """`{**self, **other}`."""
        return Entries({**self.items, **other.items}, self.open or other.open)

    def either(self, other: Entries, why: str) -> Entries:
        """Either of the two dicts: entries equal in both are kept, the others become run-time values."""
        items = {}
        for name in {**self.items, **other.items}:
            setting = self.items.get(name) or other.items[name]
            same = name in self.items and name in other.items and setting.value == other.items[name].value
            items[name] = setting if same else Setting(runtime(why, conditional=True), setting.node)
        return Entries(items, self.open or other.open)

    def updated(self, other: Entries, line: int, *, certain: bool) -> Entries:
        """`self.update(other)` at `line`; unless `certain`, the changed entries become run-time values."""
        if certain:
            return self.merged(other)
        why = runtime(f"a condition decides (line {line})", conditional=True)
        changed = {
            name: Setting(why, setting.node)
            for name, setting in other.items.items()
            if self.items.get(name, Setting(why, setting.node)).value != setting.value
        }
        return self.merged(Entries(changed, other.open))

    def without(self, name: str, line: int, *, certain: bool) -> Entries:
        """`del self[name]` at `line`; unless `certain`, the entry becomes a run-time value."""
        if name not in self.items:
            return self
        items = dict(self.items)
        removed = items.pop(name)
        if not certain:
            items[name] = Setting(runtime(f"a condition removes it (line {line})", conditional=True), removed.node)
        return Entries(items, self.open)
