"""Two profiles held against each other: what is only here, what is only there, how far apart the rest is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ml_intern_helpers.dataset.profile.make import UNCLEAR
from ml_intern_helpers.dataset.profile.side import Side
from ml_intern_helpers.dataset.profile.sizes import gap
from ml_intern_helpers.dataset.profile.sketch import overlap

#: From here on a distance is told as a difference, unless samples are so small that chance alone makes one: 1.36 times the
#: root is what two samples of one dataset stay below 19 times in 20.
NOTABLE = 0.1
NOISE = 1.5
#: A column's share of nulls that has changed by more than this is told.
NOTABLE_NULLS = 0.02
SAME_ROWS = 0.99
_UNTOLD = ("languages", UNCLEAR)


def compare(here: Side, there: Side) -> dict[str, Any]:
    """The `compare` object of the report; its `verdict` is one line, and `differs` names what does.

    Distances are from 0 (the same) to 1 (nothing in common): of lengths, the largest gap between the cumulated shares; of
    roles, labels and languages, the share of rows that would have to change.
    """
    found = {
        "here": _side(here),
        "there": _side(there),
        "columns": _columns(here, there),
        "lengths": _lengths(here, there),
        "roles": _classes(here, there, "role_patterns"),
        "labels": _classes(here, there, "labels"),
        "languages": _classes(here, there, "languages"),
        "overlap": _overlap(here, there),
    }
    differs = _differs(found, _notable(here, there))
    return {"verdict": _verdict(found, differs), "differs": differs, **found}


def _side(side: Side) -> dict[str, Any]:
    of = "all rows" if side.complete else "sample"
    return {"name": side.name, "came_from": side.came_from, "rows": side.rows, "of": of}


def _columns(here: Side, there: Side) -> dict[str, Any]:
    left, right = here.columns, there.columns
    both = [name for name in left if name in right]
    return {
        "only_here": [name for name in left if name not in right],
        "only_there": [name for name in right if name not in left],
        "other_type": [_pair(name, left[name], right[name], "type") for name in both if _retyped(left[name], right[name])],
        "other_nulls": [_pair(name, left[name], right[name], "nulls_share") for name in both if _nulled(left[name], right[name])],
    }


def _pair(name: str, here: dict[str, Any], there: dict[str, Any], key: str) -> dict[str, Any]:
    return {"name": name, "here": here.get(key), "there": there.get(key)}


def _retyped(here: dict[str, Any], there: dict[str, Any]) -> bool:
    """A type is declared in one source and inferred in another: a column that holds the same kind of thing is the same."""
    return here.get("type") != there.get("type") and here.get("kind") != there.get("kind")


def _nulled(here: dict[str, Any], there: dict[str, Any]) -> bool:
    shares = [share for share in (here.get("nulls_share"), there.get("nulls_share")) if isinstance(share, (int, float))]
    return len(shares) == 2 and abs(shares[0] - shares[1]) > NOTABLE_NULLS


def _lengths(here: Side, there: Side) -> dict[str, Any] | None:
    left, right = here.characters, there.characters
    if left is None or right is None:
        return None
    figures = {name: {"here": left[name], "there": right[name]} for name in ("median", "p95")}
    return {"unit": "characters", "distance": gap(left["histogram"], right["histogram"]), **figures}


def _classes(here: Side, there: Side, key: str) -> dict[str, Any] | None:
    """Half the sum of the differences between the shares, and the names that one side lacks. None unless both have some.

    Rows too short to tell their language by are of none: they make no difference.
    """
    left, right = ({name: rows for name, rows in side.counts(key).items() if (key, name) != _UNTOLD} for side in (here, there))
    if not left or not right:
        return None
    shares = [{name: rows / sum(side.values()) for name, rows in side.items()} for side in (left, right)]
    apart = sum(abs(shares[0].get(name, 0) - shares[1].get(name, 0)) for name in {*left, *right}) / 2
    return {
        "distance": round(apart, 3),
        "only_here": [name for name in left if name not in right],
        "only_there": [name for name in right if name not in left],
    }


def _overlap(here: Side, there: Side) -> dict[str, Any] | None:
    """Rows alike but for case and spacing. Of samples it says little about the whole, and says so."""
    left, right = here.sketch, there.sketch
    if left is None or right is None:
        return None
    found = overlap(left, right)
    note = "; ".join(_notes(here, there)) or None
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(found).items()}
    return {**rounded, "is": "counted" if found.exact else "estimated from sketches", "note": note}


def _notes(*sides: Side) -> Iterator[str]:
    """Of which rows the overlap is."""
    partial = [side.name for side in sides if not side.sketched_whole]
    if partial:
        yield f"only a sample was looked at of {' and of '.join(partial)}: the whole may share many more rows"
    scanned = [side.name for side in sides if side.sketched_whole and not side.complete]
    if scanned:
        yield f"shared rows are of all rows of {' and of '.join(scanned)}, all else is of the sample"


def _notable(*sides: Side) -> float:
    return max(NOTABLE, NOISE * math.sqrt(sum(1 / max(side.rows, 1) for side in sides if not side.complete)))


def _differs(found: dict[str, Any], notable: float) -> list[str]:
    """What differs notably, in the order in which it matters."""
    names = ["columns"] if any(found["columns"][key] for key in ("only_here", "only_there", "other_type")) else []
    names += ["nulls"] if found["columns"]["other_nulls"] else []
    far = [key for key in ("roles", "lengths", "labels", "languages") if found[key] and found[key]["distance"] >= notable]
    return names + [key for key in far if key != "lengths" or _moved(found["lengths"])]


def _moved(lengths: dict[str, Any]) -> bool:
    """Rows that are all of one length are far from rows one character longer, and nobody cares."""
    pairs = [(lengths[name]["here"], lengths[name]["there"]) for name in ("median", "p95")]
    return any(abs(here - there) > NOTABLE * max(here, there) for here, there in pairs)


def _verdict(found: dict[str, Any], differs: list[str]) -> str:
    shared = found["overlap"]
    if shared and min(shared["of_here"], shared["of_there"]) >= SAME_ROWS:
        word = "SAME ROWS"
    elif shared and shared["rows"]:
        word = "OVERLAP"
    else:
        word = "SAME FORM" if not differs else "DIFFERENT"
    what = f"{', '.join(differs)} differ" if differs else "no notable difference in form"
    return f"{word}: {what}; {shared_rows(shared)}"


def shared_rows(shared: dict[str, Any] | None) -> str:
    """`about 120 shared rows (12.0% ±1.0% of this one, 60.0% ±3.1% of the other; estimated from sketches)`."""
    if shared is None:
        return "shared rows unknown"
    if not shared["rows"]:
        return f"no shared rows seen ({shared['is']})"
    names = (("of_here", "this one"), ("of_there", "the other"))
    errors = {key: "" if shared["exact"] else f" ±{shared[f'error_{key}']:.1%}" for key, _ in names}
    shares = ", ".join(f"{shared[key]:.1%}{errors[key]} of {name}" for key, name in names)
    return f"{'' if shared['exact'] else 'about '}{shared['rows']:,} shared rows ({shares}; {shared['is']})"
