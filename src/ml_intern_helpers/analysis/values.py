"""What can be said about a value without running the script."""

from __future__ import annotations

import ast
from typing import Any, Literal, NamedTuple

#: `known`: this value. `default`: this value unless the environment says otherwise. `runtime`: set, to something only the run
#: decides. `unknown`: not even whether it is set can be told.
State = Literal["known", "default", "runtime", "unknown"]


class Value(NamedTuple):
    """A value, or the reason why there is none.

    Attributes:
        state: see `State`.
        value: the Python value (`known`, `default`): constants, and lists, tuples and dicts of constants.
        reason: one clause: which variable decides (`default`), what computes it (`runtime`), what hides it (`unknown`).
    """

    state: State
    value: Any = None
    reason: str = ""

    @property
    def settled(self) -> bool:
        """There is a Python value to compute with."""
        return self.state in ("known", "default")


def known(value: object) -> Value:
    return Value("known", value)


def default(value: object, variables: str) -> Value:
    """`value` unless one of the environment variables named is set."""
    return Value("default", value, variables)


def runtime(reason: str) -> Value:
    return Value("runtime", None, reason)


def unknown(reason: str) -> Value:
    return Value("unknown", None, reason)


class Setting(NamedTuple):
    """A value and the node that sets it (a keyword's value, an assignment's)."""

    value: Value
    node: ast.AST


class Entries(NamedTuple):
    """A dict with string keys: what is in it, and why there may be more (empty: there is not)."""

    items: dict[str, Setting]
    open: str = ""
