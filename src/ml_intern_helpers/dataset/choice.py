"""Which config and split is looked at, and why; the user's word first, then what the method is likely to train on."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ml_intern_helpers.core.errors import NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.dataset_ref import DatasetRef

#: Splits that datasets with one split per method use (ultrachat, ultrafeedback).
SPLITS_BY_METHOD = {
    "sft": ("train_sft", "sft"),
    "dpo": ("train_prefs", "train_dpo", "dpo"),
    "reward": ("train_prefs", "train_rm", "train_reward"),
    "kto": ("train_kto", "train_prefs", "kto"),
    "grpo": ("train_gen", "train_rl", "train_grpo"),
}


@dataclass(frozen=True)
class Choice:
    config: str
    split: str
    because: str


def choose(pairs: list[tuple[str, str]], asked: DatasetRef) -> Choice:
    """One (config, split) of `pairs`.

    Raises:
        NotFound: the config or split asked for is none of them; the hint names those that are.
    """
    configs = list(dict.fromkeys(config for config, _ in pairs))
    config, why_config = _config(configs, asked)
    splits = [split for name, split in pairs if name == config]
    split, why_split = _split(splits, asked)
    return Choice(config, split, "; ".join(filter(None, (why_config, why_split))))


def _config(configs: list[str], asked: DatasetRef) -> tuple[str, str]:
    if asked.config:
        return _named(asked.config, configs, "config", asked), ""
    if len(configs) == 1:
        return configs[0], ""
    first = "default" if "default" in configs else configs[0]
    return first, f"config {clean(first, limit=60)!r} is one of {len(configs)}; name another with --config"


def _split(splits: list[str], asked: DatasetRef) -> tuple[str, str]:
    if asked.split:
        return _named(asked.split, splits, "split", asked), "as asked"
    if len(splits) == 1:
        return splits[0], "the only split"
    for name in SPLITS_BY_METHOD.get(asked.method or "", ()):
        if name in splits:
            return name, f"the split for {asked.method}; name another with --split"
    if "train" in splits:
        return "train", "the split named train; name another with --split"
    first = next((name for name in splits if name.startswith("train")), splits[0])
    return first, f"the first {'training ' if first.startswith('train') else ''}split; name another with --split"


def _named(name: str, known: list[str], what: str, asked: DatasetRef) -> str:
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    listed = ", ".join(clean(item, limit=60) for item in (close or known)[:10])
    hint = f"did you mean {listed}?" if close else f"{what}s: {listed}" + (" …" if len(known) > 10 else "")
    raise NotFound(f"{clean(asked.name, limit=200)} has no {what} {clean(name, limit=60)!r}", hint=hint)
