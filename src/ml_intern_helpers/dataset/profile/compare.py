"""Compares two profiles: what is only in one of them, how far apart the rest is, and how many rows both share.

A side of the comparison is a dataset that was read now, or the saved `--json` report on one; a saved file may hold anything
where a profile's parts should be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean, clean_tree
from ml_intern_helpers.dataset.profile.profile import UNCLEAR, gap
from ml_intern_helpers.dataset.profile.sketch import Sketch, from_json, overlap

#: From here on a distance is reported as a difference, unless samples are so small that chance alone makes one: 1.36 times the
#: root is what two samples of one dataset stay below 19 times in 20.
NOTABLE = 0.1
NOISE = 1.5
#: A column's share of nulls that has changed by more than this is reported.
NOTABLE_NULLS = 0.02
SAME_ROWS = 0.99
MOST_NAMES = 8
SCHEMA = "ml-intern/inspect_dataset/v1"
MOST_SAVED_BYTES = 32 * 2**20
#: Characters of a text in a saved answer: the longest is a sketch, see `K_OF_ALL`.
MOST_TEXT = 12_000


@dataclass(frozen=True)
class Side:
    """One dataset of the two.

    Attributes:
        name: id or path, with the split.
        came_from: `looked at now` or `saved answer`.
        profile: see `profile.profile`; its parts are read through the methods, which hold for any JSON.
        held: the sketch with all the hashes that are at hand; None for a saved answer.
    """

    name: str
    came_from: str
    profile: dict[str, Any]
    held: Sketch | None = None

    @property
    def rows(self) -> int:
        rows = self.profile.get("rows")
        return rows if isinstance(rows, int) else 0

    @property
    def complete(self) -> bool:
        """The profile is of all rows, not of a sample."""
        return self.profile.get("of") == "all rows"

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        return {name: value for name, value in _object(self.profile.get("columns")).items() if isinstance(value, dict)}

    @property
    def characters(self) -> dict[str, Any] | None:
        """Lengths, when all their figures are there."""
        found = self.profile.get("characters")
        whole = isinstance(found, dict) and all(isinstance(found.get(name), int) for name in ("median", "p95"))
        return found if whole and isinstance(found, dict) and _pairs(found.get("histogram")) else None

    def counts(self, key: str) -> dict[str, int]:
        """`labels`, `languages` or `role_patterns` as name -> rows; empty when there are none."""
        found = self.profile.get(key)
        pairs = found if isinstance(found, list) else []
        items = found.items() if isinstance(found, dict) else [item for item in pairs if _is_pair(item)]
        return {str(name): rows for name, rows in items if isinstance(rows, int) and rows > 0}

    @property
    def sketch(self) -> Sketch | None:
        return self.held or from_json(self.profile.get("sketch"))

    @property
    def sketched_whole(self) -> bool:
        """The sketch is of all rows, also where all else is of a sample."""
        return self.complete or self.profile.get("sketch_of") == "all rows"


def compare(here: Side, there: Side) -> dict[str, Any]:
    """The `compare` object of the report; its `verdict` is one line, and `differs` names what does.

    Distances are from 0 (the same) to 1 (nothing in common): of lengths, the largest gap between the cumulated shares; of
    roles, labels and languages, the share of rows that would have to change.
    """
    left, right = here.columns, there.columns
    both = [name for name in left if name in right]
    found: dict[str, Any] = {
        "here": _side(here),
        "there": _side(there),
        "columns": {
            "only_here": [name for name in left if name not in right],
            "only_there": [name for name in right if name not in left],
            "other_type": [_pair(name, left[name], right[name], "type") for name in both if _retyped(left[name], right[name])],
            "other_nulls": [
                _pair(name, left[name], right[name], "nulls_share") for name in both if _nulled(left[name], right[name])
            ],
        },
        "lengths": _lengths(here, there),
        "roles": _classes(here, there, "role_patterns"),
        "labels": _classes(here, there, "labels"),
        "languages": _classes(here, there, "languages"),
        "overlap": _overlap(here, there),
    }
    # The notable differences, the most important first.
    notable = _notable(here, there)
    names = ["columns"] if any(found["columns"][key] for key in ("only_here", "only_there", "other_type")) else []
    names += ["nulls"] if found["columns"]["other_nulls"] else []
    far = [key for key in ("roles", "lengths", "labels", "languages") if found[key] and found[key]["distance"] >= notable]
    differs = names + [key for key in far if key != "lengths" or _moved(found["lengths"])]
    return {"verdict": _verdict(found, differs), "differs": differs, **found}


def _side(side: Side) -> dict[str, Any]:
    of = "all rows" if side.complete else "sample"
    return {"name": side.name, "came_from": side.came_from, "rows": side.rows, "of": of}


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
    left, right = here.counts(key), there.counts(key)
    if key == "languages":
        left, right = ({name: rows for name, rows in side.items() if name != UNCLEAR} for side in (left, right))
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


def _moved(lengths: dict[str, Any]) -> bool:
    """Whether lengths differ by more than a trifle: rows of one length are at distance 1 from rows one character longer."""
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


def comparison_text(found: dict[str, Any]) -> Iterator[str]:
    """The lines; names were cleaned when the profiles were made."""
    here, there = found["here"], found["there"]
    yield found["verdict"]
    for title, side in (("this", here), ("other", there)):
        yield f"  {title}: {side['name']} ({side['rows']:,} rows, {side['of']}; {side['came_from']})"
    columns = found["columns"]
    for key, words in (("only_here", "only in this one"), ("only_there", "only in the other")):
        if columns[key]:
            yield f"  columns {words}: {listed(columns[key])}"
    for change in columns["other_type"][:MOST_NAMES]:
        yield f"  column {change['name']!r}: {change['here']} here, {change['there']} there"
    for change in columns["other_nulls"][:MOST_NAMES]:
        yield f"  column {change['name']!r}: {change['here']:.1%} nulls here, {change['there']:.1%} there"
    lengths = found["lengths"]
    if lengths:
        figures = [f"{name} {lengths[name]['here']:,} here, {lengths[name]['there']:,} there" for name in ("median", "p95")]
        yield f"  length in {lengths['unit']}: {'; '.join(figures)}; distance {lengths['distance']:.2f} of 1"
    for key in ("roles", "labels", "languages"):
        yield from _text_of_classes(key, found[key])
    yield f"  rows: {shared_rows(found['overlap'])}"
    if found["overlap"] and found["overlap"]["note"]:
        yield f"  note: {found['overlap']['note']}"


def _text_of_classes(key: str, found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        only = [f"only here: {listed(found['only_here'])}"] if found["only_here"] else []
        only += [f"only there: {listed(found['only_there'])}"] if found["only_there"] else []
        yield "; ".join([f"  {key}: distance {found['distance']:.2f} of 1", *only])


def listed(names: list[str]) -> str:
    """The first few names, quoted, and how many more."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(repr, names[:MOST_NAMES])) + more


def saved_side(path: str) -> Side | None:
    """The report of an earlier `--json` in file `path`; None when the file is something else, and so a dataset.

    Raises:
        BadData: an answer without a profile.
    """
    answer = _read(Path(path))
    if answer is None:
        return None
    if not isinstance(answer.get("profile"), dict):
        message = f"{clean(path, limit=200)} is an answer without a profile"
        raise BadData(message, hint="make it anew with `inspect_dataset … --json`, or name the dataset itself")
    at = _object(answer.get("looked_at"))
    profile = clean_tree(answer["profile"], limit=MOST_TEXT)
    return Side(side_name(answer.get("dataset"), at.get("split")), "saved answer", _object(profile))


def side_name(dataset: object, split: object) -> str:
    """`owner/name, split train`."""
    return f"{clean(dataset or 'unnamed', limit=200)}, split {clean(split or 'unknown', limit=60)}"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_SAVED_BYTES:
            return None
        with path.open("rb") as stream:
            if b'"schema"' not in stream.read(4096):
                return None
        answer = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and answer.get("schema") == SCHEMA else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _pairs(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_pair(item) and isinstance(item[0], int) for item in value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)
