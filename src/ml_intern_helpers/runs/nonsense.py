"""Agreements that nobody means: well-formed, and still contradictory, past, or impossible. Asked before one is written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs.when import LONGEST_SPAN_S, parsed

_REPOSITORY = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][\w.-]{0,95}(?:/[A-Za-z0-9_][\w.-]{0,95})?(?<![.-])", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
#: Rows per update beyond this are a slip of the pen: published fine-tuning runs stay below.
_MOST_ROWS = 1_000_000
_MOST_TOKENS = 100_000_000
_MOST_USD = 1_000_000


def nonsense(values: dict[str, Any], at: datetime) -> list[str]:
    """Why a well-formed task cannot be meant, one line each, with what to give instead."""
    return [*_names(values), *_sizes(values), *_elsewhere(values), *_times(values, at)]


def _names(values: dict[str, Any]) -> Iterator[str]:
    if not values["request"].strip():
        yield "request: the user's own words are missing (--request)"
    for what, one in [("base_model", values["base_model"]), *(("datasets", one) for one in values["datasets"])]:
        if not _REPOSITORY.fullmatch(one["id"]) and not _is_path(one["id"]):
            yield f"{what}: {clean(one['id'], limit=80)!r} is neither a Hub id (owner/name) nor a path"
    ids = [(one["id"], one["config"], one["split"]) for one in values["datasets"]]
    if len(set(ids)) < len(ids):
        yield "datasets: the same one is named twice"
    hub = values["hub"]["model_id"]
    if hub is not None and not _REPOSITORY.fullmatch(hub):
        yield f"hub: {clean(hub, limit=80)!r} is no Hub id (owner/name)"
    if values["account"] is not None and not _NAME.fullmatch(values["account"]):
        yield f"account: {clean(values['account'], limit=80)!r} is no name of a user or an organisation"


def _is_path(text: str) -> bool:
    return text.isprintable() and (text.startswith(("/", "./", "../", "~/")) or os.path.lexists(text))


def _sizes(values: dict[str, Any]) -> Iterator[str]:
    if values["effective_batch"] > _MOST_ROWS:
        yield f"effective_batch: {values['effective_batch']} rows per update are more than anybody trains with"
    if values["max_length"] is not None and values["max_length"] > _MOST_TOKENS:
        yield f"max_length: {values['max_length']} tokens are more than any model reads"
    if values["method"] == "grpo" and values["max_length"] is not None:
        yield "max_length: GRPO has none (its prompt and completion lengths are settings of the script): give none"
    if values["tracking"]["tool"] == "none" and (values["tracking"]["project"] or values["tracking"]["space_id"]):
        yield "tracking: a project or a Space is named, and nothing is to be tracked"


def _elsewhere(values: dict[str, Any]) -> Iterator[str]:
    per_day = values.get("spend_cap_usd_per_day")
    if max(values["spend_cap_usd"], per_day or 0) > _MOST_USD:
        yield f"spend_cap_usd: more than {_MOST_USD:,} dollars is a slip of the pen"
    if per_day is not None and per_day > values["spend_cap_usd"]:
        yield f"spend_cap_usd_per_day: {per_day:g} a day is more than {values['spend_cap_usd']:g} for the whole task"
    if values["where"] == "jobs" and values["account"] is None:
        yield "account: a job is paid by somebody: give the user or organisation (`detect_compute` lists them)"
    if values["where"] == "local" and values["spend_cap_usd"] > 0:
        yield "spend_cap_usd: runs on this machine cost nothing; where is local and a cap is named: which is meant?"


def _times(values: dict[str, Any], at: datetime) -> Iterator[str]:
    deadline = parsed(values["deadline"])
    if deadline is not None and deadline <= at and values.get("state", "open") == "open":
        yield f"deadline: {values['deadline']} has passed"
    if (values.get("time_budget_s") or 0) > LONGEST_SPAN_S:
        yield "time_budget_s: more than a year"
