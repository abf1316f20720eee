"""Chooses the config and split of a dataset to read, and reads its other splits.

The user's choice comes first, then the split that the method is likely to train on. Small splits of local datasets are read, too,
to find shared rows; the others are listed with the reason, since nothing is known about rows shared with them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.local.bounds import MIB, Warn
from ml_intern_helpers.dataset.mapping.code import quoted
from ml_intern_helpers.dataset.sample import Sample

#: Method -> names of its split in datasets with one split per method (ultrachat, ultrafeedback).
SPLITS_BY_METHOD = {
    "sft": ("train_sft", "sft"),
    "dpo": ("train_prefs", "train_dpo", "dpo"),
    "reward": ("train_prefs", "train_rm", "train_reward"),
    "kto": ("train_kto", "train_prefs", "kto"),
    "grpo": ("train_gen", "train_rl", "train_grpo"),
}


@dataclass(frozen=True)
class SplitChoice:
    config: str
    split: str
    because: str


def choose_split(pairs: list[tuple[str, str]], ref: DatasetRef) -> SplitChoice:
    """Choose one of the (config, split) `pairs`.

    Raises:
        NotFound: the requested config or split does not exist; the hint lists existing ones.
    """
    configs = list(dict.fromkeys(config for config, _ in pairs))
    config, why_config = _config(configs, ref)
    splits = [split for name, split in pairs if name == config]
    split, why_split = _split(splits, ref)
    return SplitChoice(config, split, "; ".join(filter(None, (why_config, why_split))))


def load_line(ref: DatasetRef, choice: SplitChoice) -> str:
    """The line of code that loads this split of a Hub dataset with `datasets`."""
    config = "" if choice.config == "default" else f", {quoted(choice.config)}"
    revision = f", revision={quoted(ref.revision)}" if ref.revision else ""
    return f"dataset = load_dataset({quoted(ref.name)}{config}, split={quoted(choice.split)}{revision})"


def _config(configs: list[str], ref: DatasetRef) -> tuple[str, str]:
    if ref.config:
        return _named(ref.config, configs, "config", ref), ""
    if len(configs) == 1:
        return configs[0], ""
    first = "default" if "default" in configs else configs[0]
    return first, f"config {clean(first, limit=60)!r} is one of {len(configs)}; name another with --config"


def _split(splits: list[str], ref: DatasetRef) -> tuple[str, str]:
    if ref.split:
        return _named(ref.split, splits, "split", ref), "as asked"
    if len(splits) == 1:
        return splits[0], "the only split"
    for name in SPLITS_BY_METHOD.get(ref.method or "", ()):
        if name in splits:
            return name, f"the split for {ref.method}; name another with --split"
    if "train" in splits:
        return "train", "the split named train; name another with --split"
    first = next((name for name in splits if name.startswith("train")), splits[0])
    return first, f"the first {'training ' if first.startswith('train') else ''}split; name another with --split"


def _named(name: str, known: list[str], what: str, ref: DatasetRef) -> str:
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    listed = ", ".join(clean(item, limit=60) for item in (close or known)[:10])
    hint = f"did you mean {listed}?" if close else f"{what}s: {listed}" + (" …" if len(known) > 10 else "")
    raise NotFound(f"{clean(ref.name, limit=200)} has no {what} {clean(name, limit=60)!r}", hint=hint)


#: Limits for other splits: bytes per split, number of splits, rows per split.
MOST_BYTES = 8 * MIB
MOST_SPLITS = 3
MOST_ROWS = 20_000
#: Other splits listed in a report.
MOST_LISTED = 50

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class OtherSplit:
    """Another split of the same config.

    Attributes:
        split: its name.
        rows: the rows that were read; empty if it was not read.
        why_not: why it was not read, or None.
    """

    split: str
    rows: Rows
    why_not: str | None = None


def read_other_splits(ref: DatasetRef, sample: Sample, read: Callable[[DatasetRef, int, Warn], Sample]) -> list[OtherSplit]:
    """All other splits of the config, with rows read by `read` or the reason why they were not read."""
    others: list[OtherSplit] = []
    count = 0
    for item in sample.splits:
        if item.config != sample.config or item.split == sample.split:
            continue
        rows: Rows = []
        why_not = None
        if not ref.local:
            why_not = "splits on the Hub are compared with --full only"
        elif (item.num_bytes or 0) > MOST_BYTES:
            why_not = f"over {MOST_BYTES // MIB} MiB; --full reads it"
        elif count == MOST_SPLITS:
            why_not = f"only {MOST_SPLITS} other splits are read; --full reads all"
        else:
            count += 1
            try:
                rows = read(replace(ref, split=item.split), MOST_ROWS, lambda note: None).rows
            except ToolError as err:
                why_not = f"it cannot be read: {err.message}"
        others.append(OtherSplit(item.split, rows, why_not))
    return others


def other_splits_fields(others: list[OtherSplit], leakage: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The `other_splits` of the report; `leakage` is the full scan's field on the splits that it read completely."""
    scanned = {item["split"]: item["rows"] for item in leakage or []}
    fields = []
    for item in others[:MOST_LISTED]:
        name = clean(item.split, limit=60)
        rows = scanned.get(name)
        fields.append(
            {
                "split": name,
                "rows_read": len(item.rows) if rows is None else rows,
                "not_compared_because": clean(item.why_not, limit=200) if item.why_not and rows is None else None,
            }
        )
    return fields
