"""Compares two profiles: what only one of them has, how far apart the rest is, and how many rows they share.

Each side, `here` (the inspected dataset) and `there` (that of `--compare`), was read now or is a saved `--json` report. A saved
file is not trusted: every part of its profile is checked for its type.
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

#: Distances from here on are reported as differences.
NOTABLE = 0.1
#: For samples of n and m rows the threshold is at least NOISE·√(1/n + 1/m). Two samples of one dataset stay below 1.36·√… in 95 %
#: of all cases (Kolmogorov–Smirnov); 1.5 leaves a margin.
NOISE = 1.5
#: Changes of a column's share of nulls by more than this are reported.
NOTABLE_NULLS = 0.02
#: Shared rows from this share of both sides on make the two datasets the same.
SAME_ROWS = 0.99
MOST_NAMES = 8
SCHEMA = "ml-intern/inspect_dataset/v1"
MOST_SAVED_BYTES = 32 * 2**20
#: Most characters kept of a text in a saved report; the longest is a sketch, see `K_OF_ALL`.
MOST_TEXT = 12_000


@dataclass(frozen=True)
class Side:
    """One of the two datasets.

    Attributes:
        name: id or path, with the split.
        came_from: `looked at now` or `saved answer`.
        profile: see `profile.profile`; read it through the properties below, which accept any JSON.
        full_sketch: the sketch with all hashes that were computed; None for a saved report.
    """

    name: str
    came_from: str
    profile: dict[str, Any]
    full_sketch: Sketch | None = None

    @property
    def rows(self) -> int:
        rows = self.profile.get("rows")
        return rows if isinstance(rows, int) else 0

    @property
    def complete(self) -> bool:
        """The profile describes all rows, not a sample."""
        return self.profile.get("of") == "all rows"

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        return {name: value for name, value in _object(self.profile.get("columns")).items() if isinstance(value, dict)}

    @property
    def characters(self) -> dict[str, Any] | None:
        """The lengths; None when any of their figures is missing."""
        lengths = self.profile.get("characters")
        complete = isinstance(lengths, dict) and all(isinstance(lengths.get(name), int) for name in ("median", "p95"))
        return lengths if complete and isinstance(lengths, dict) and _is_histogram(lengths.get("histogram")) else None

    def counts(self, key: str) -> dict[str, int]:
        """`labels`, `languages` or `role_patterns` as name -> rows; empty when there are none."""
        counted = self.profile.get(key)
        pairs = counted if isinstance(counted, list) else []
        items = counted.items() if isinstance(counted, dict) else [item for item in pairs if _is_pair(item)]
        return {str(name): rows for name, rows in items if isinstance(rows, int) and rows > 0}

    @property
    def sketch(self) -> Sketch | None:
        return self.full_sketch or from_json(self.profile.get("sketch"))

    @property
    def sketched_whole(self) -> bool:
        """The sketch covers all rows, even if the rest of the profile describes a sample."""
        return self.complete or self.profile.get("sketch_of") == "all rows"


def compare(here: Side, there: Side) -> dict[str, Any]:
    """The `compare` object of the report; its `verdict` is one line, and `differs` lists the parts with notable differences.

    Distances range from 0 (the same) to 1 (nothing in common). For lengths the distance is the largest gap between the cumulative
    shares; for roles, labels and languages, the share of rows that would have to change.
    """
    here_columns, there_columns = here.columns, there.columns
    shared_names = [name for name in here_columns if name in there_columns]
    comparison: dict[str, Any] = {
        "here": _side(here),
        "there": _side(there),
        "columns": {
            "only_here": [name for name in here_columns if name not in there_columns],
            "only_there": [name for name in there_columns if name not in here_columns],
            "other_type": [
                _column_values(name, here_columns[name], there_columns[name], "type")
                for name in shared_names
                if _type_changed(here_columns[name], there_columns[name])
            ],
            "other_nulls": [
                _column_values(name, here_columns[name], there_columns[name], "nulls_share")
                for name in shared_names
                if _nulls_changed(here_columns[name], there_columns[name])
            ],
        },
        "lengths": _lengths(here, there),
        "roles": _classes(here, there, "role_patterns"),
        "labels": _classes(here, there, "labels"),
        "languages": _classes(here, there, "languages"),
        "overlap": _overlap(here, there),
    }
    # List the notable differences, the most important first.
    threshold = _distance_threshold(here, there)
    differing = ["columns"] if any(comparison["columns"][key] for key in ("only_here", "only_there", "other_type")) else []
    differing += ["nulls"] if comparison["columns"]["other_nulls"] else []
    distant = [
        key for key in ("roles", "lengths", "labels", "languages") if comparison[key] and comparison[key]["distance"] >= threshold
    ]
    differs = differing + [key for key in distant if key != "lengths" or _lengths_differ(comparison["lengths"])]
    return {"verdict": _verdict(comparison, differs), "differs": differs, **comparison}


def _side(side: Side) -> dict[str, Any]:
    of = "all rows" if side.complete else "sample"
    return {"name": side.name, "came_from": side.came_from, "rows": side.rows, "of": of}


def _column_values(name: str, here: dict[str, Any], there: dict[str, Any], key: str) -> dict[str, Any]:
    return {"name": name, "here": here.get(key), "there": there.get(key)}


def _type_changed(here: dict[str, Any], there: dict[str, Any]) -> bool:
    """Whether type and kind differ. The type alone does not count: one source declares it, another has it inferred."""
    return here.get("type") != there.get("type") and here.get("kind") != there.get("kind")


def _nulls_changed(here: dict[str, Any], there: dict[str, Any]) -> bool:
    shares = [share for share in (here.get("nulls_share"), there.get("nulls_share")) if isinstance(share, (int, float))]
    return len(shares) == 2 and abs(shares[0] - shares[1]) > NOTABLE_NULLS


def _lengths(here: Side, there: Side) -> dict[str, Any] | None:
    here_lengths, there_lengths = here.characters, there.characters
    if here_lengths is None or there_lengths is None:
        return None
    figures = {name: {"here": here_lengths[name], "there": there_lengths[name]} for name in ("median", "p95")}
    return {"unit": "characters", "distance": gap(here_lengths["histogram"], there_lengths["histogram"]), **figures}


def _classes(here: Side, there: Side, key: str) -> dict[str, Any] | None:
    """Half the sum of the differences between the shares, and the names that only one side has; None if a side has no classes.

    Rows too short for language detection are ignored.
    """
    here_counts, there_counts = here.counts(key), there.counts(key)
    if key == "languages":
        here_counts, there_counts = (
            {name: rows for name, rows in side.items() if name != UNCLEAR} for side in (here_counts, there_counts)
        )
    if not here_counts or not there_counts:
        return None
    shares = [{name: rows / sum(side.values()) for name, rows in side.items()} for side in (here_counts, there_counts)]
    distance = sum(abs(shares[0].get(name, 0) - shares[1].get(name, 0)) for name in {*here_counts, *there_counts}) / 2
    return {
        "distance": round(distance, 3),
        "only_here": [name for name in here_counts if name not in there_counts],
        "only_there": [name for name in there_counts if name not in here_counts],
    }


def _overlap(here: Side, there: Side) -> dict[str, Any] | None:
    """The rows that both sides share, ignoring case and white space; a note says where only samples were compared."""
    here_sketch, there_sketch = here.sketch, there.sketch
    if here_sketch is None or there_sketch is None:
        return None
    shared = overlap(here_sketch, there_sketch)
    note = "; ".join(_notes(here, there)) or None
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(shared).items()}
    return {**rounded, "is": "counted" if shared.exact else "estimated from sketches", "note": note}


def _notes(*sides: Side) -> Iterator[str]:
    """Notes on which rows the overlap was computed from."""
    partial = [side.name for side in sides if not side.sketched_whole]
    if partial:
        yield f"only a sample of {' and of '.join(partial)} was read: all rows may share many more"
    scanned = [side.name for side in sides if side.sketched_whole and not side.complete]
    if scanned:
        yield f"shared rows were counted over all rows of {' and of '.join(scanned)}; everything else describes the sample"


def _distance_threshold(*sides: Side) -> float:
    return max(NOTABLE, NOISE * math.sqrt(sum(1 / max(side.rows, 1) for side in sides if not side.complete)))


def _lengths_differ(lengths: dict[str, Any]) -> bool:
    """Whether median or 95th percentile differ by more than `NOTABLE`. The distance alone misleads: it is 1 between rows of one
    length and rows that are all one character longer."""
    pairs = [(lengths[name]["here"], lengths[name]["there"]) for name in ("median", "p95")]
    return any(abs(here - there) > NOTABLE * max(here, there) for here, there in pairs)


def _verdict(comparison: dict[str, Any], differs: list[str]) -> str:
    shared = comparison["overlap"]
    if shared and min(shared["of_here"], shared["of_there"]) >= SAME_ROWS:
        word = "SAME ROWS"
    elif shared and shared["rows"]:
        word = "OVERLAP"
    else:
        word = "SAME FORM" if not differs else "DIFFERENT"
    difference = f"{', '.join(differs)} differ" if differs else "no notable difference in form"
    return f"{word}: {difference}; {shared_rows(shared)}"


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


def comparison_text(comparison: dict[str, Any]) -> Iterator[str]:
    """The comparison as lines of text; names were cleaned when the profiles were made."""
    here, there = comparison["here"], comparison["there"]
    yield comparison["verdict"]
    for title, side in (("this", here), ("other", there)):
        yield f"  {title}: {side['name']} ({side['rows']:,} rows, {side['of']}; {side['came_from']})"
    columns = comparison["columns"]
    for key, words in (("only_here", "only in this one"), ("only_there", "only in the other")):
        if columns[key]:
            yield f"  columns {words}: {listed(columns[key])}"
    for change in columns["other_type"][:MOST_NAMES]:
        yield f"  column {change['name']!r}: {change['here']} here, {change['there']} there"
    for change in columns["other_nulls"][:MOST_NAMES]:
        yield f"  column {change['name']!r}: {change['here']:.1%} nulls here, {change['there']:.1%} there"
    lengths = comparison["lengths"]
    if lengths:
        figures = [f"{name} {lengths[name]['here']:,} here, {lengths[name]['there']:,} there" for name in ("median", "p95")]
        yield f"  length in {lengths['unit']}: {'; '.join(figures)}; distance {lengths['distance']:.2f} of 1"
    for key in ("roles", "labels", "languages"):
        yield from _text_of_classes(key, comparison[key])
    yield f"  rows: {shared_rows(comparison['overlap'])}"
    if comparison["overlap"] and comparison["overlap"]["note"]:
        yield f"  note: {comparison['overlap']['note']}"


def _text_of_classes(key: str, classes: dict[str, Any] | None) -> Iterator[str]:
    if classes:
        only = [f"only here: {listed(classes['only_here'])}"] if classes["only_here"] else []
        only += [f"only there: {listed(classes['only_there'])}"] if classes["only_there"] else []
        yield "; ".join([f"  {key}: distance {classes['distance']:.2f} of 1", *only])


def listed(names: list[str]) -> str:
    """The first `MOST_NAMES` names, quoted, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(repr, names[:MOST_NAMES])) + more


def saved_side(path: str) -> Side | None:
    """The side described by a saved `--json` report in file `path`; None when `path` is no such report, but a dataset.

    Raises:
        BadData: the report has no profile.
    """
    report = _read_report(Path(path))
    if report is None:
        return None
    if not isinstance(report.get("profile"), dict):
        message = f"{clean(path, limit=200)} is a saved report without a profile"
        raise BadData(message, hint="create it again with `inspect_dataset … --json`, or give the dataset itself")
    looked_at = _object(report.get("looked_at"))
    profile = clean_tree(report["profile"], limit=MOST_TEXT)
    return Side(side_name(report.get("dataset"), looked_at.get("split")), "saved answer", _object(profile))


def side_name(dataset: object, split: object) -> str:
    """`owner/name, split train`."""
    return f"{clean(dataset or 'unnamed', limit=200)}, split {clean(split or 'unknown', limit=60)}"


def _read_report(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_SAVED_BYTES:
            return None
        with path.open("rb") as stream:
            if b'"schema"' not in stream.read(4096):
                return None
        report = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) and report.get("schema") == SCHEMA else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_histogram(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_pair(item) and isinstance(item[0], int) for item in value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)
