"""The top of the page: the decision, or the verdict; the facts in a row; a card for each method."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import human_bytes
from ml_intern_helpers.dataset.profile.profile import folded
from ml_intern_helpers.dataset.sample import rows_in_words
from ml_intern_helpers.dataset.verdicts import TITLES

Fields = dict[str, Any]
TONES = {"ready": "good", "needs_mapping": "warn", "incompatible": "bad", "unknown": "open"}
#: Signs beside the colours, for readers who do not see colours.
SIGNS = {"good": "✓", "warn": "→", "bad": "✕", "open": "?"}
DECISIONS = {
    "go": ("GO", "good"),
    "go_with_filters": ("GO WITH FILTERS", "warn"),
    "no_go": ("NO GO", "bad"),
    "unknown": ("COULD NOT TELL", "open"),
}


def headline(fields: Fields) -> dict[str, Any]:
    """Word, tone, what for, reasons."""
    decision = fields.get("decision")
    if decision:
        word, tone = DECISIONS[decision["word"]]
        return {"word": word, "tone": tone, "method": decision["method"], "reasons": decision["reasons"][:5]}
    # Without a method asked for, the first of those that come furthest.
    order = ["ready", "needs_mapping", "unknown", "incompatible"]
    method = fields["method"] or min(fields["verdicts"], key=lambda name: order.index(fields["verdicts"][name]["verdict"]))
    verdict = fields["verdicts"][method]
    words = {"word": TITLES[verdict["verdict"]], "tone": TONES[verdict["verdict"]], "method": method}
    return {**words, "reasons": [verdict["reason"]]}


def methods(fields: Fields) -> list[dict[str, Any]]:
    """One card for each method; those recommended say why."""
    why = {item["method"]: item["why"] for item in fields.get("recommended") or []}
    return [
        {
            "name": name,
            "word": TITLES[verdict["verdict"]].lower(),
            "tone": TONES[verdict["verdict"]],
            "sign": SIGNS[TONES[verdict["verdict"]]],
            "reason": verdict["reason"],
            "why": why.get(name),
            "asked": name == fields["method"],
            "left": verdict["columns_not_used"][:12],
            "left_more": max(len(verdict["columns_not_used"]) - 12, 0),
        }
        for name, verdict in fields["verdicts"].items()
    ]


def facts(fields: Fields) -> list[tuple[str, str, str]]:
    """(label, figure, words below it)."""
    at, profile = fields["looked_at"], counted(fields)
    full = fields.get("full")
    rows = full["rows"] if full else at["rows_sampled"]
    whole = bool(full) or at["complete"]
    found = [("rows looked at", f"{rows:,}", "every row of the split" if whole else at["order"])]
    found.append(("split", at["split"], _split_size(fields)))
    forms = ", ".join(item["name"] for item in fields["formats"][:2]) or "no known format"
    found.append(("columns", f"{fields['columns_total']:,}", forms))
    if profile.get("duplicates_share") is not None:
        found.append(("repeated rows", percent(profile["duplicates_share"]), "of the rows looked at"))
    card = fields["card"]
    if card:
        found.append(("licence", card["license"] or "not stated", "gated" if card["gated"] else "open access"))
    return found


def _split_size(fields: Fields) -> str:
    at = fields["looked_at"]
    for split in fields["splits"]:
        if (split["config"], split["split"]) == (at["config"], at["split"]):
            size = f", {human_bytes(split['num_bytes'])}" if split["num_bytes"] else ""
            return (rows_in_words(split) or "rows unknown") + size
    return ""


def percent(share: float) -> str:
    """A share as people write it; what is there never reads as nothing."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 and share else f"{100 * share:.0f} %"


def counted(fields: dict[str, Any]) -> dict[str, Any]:
    """The profile, with what a full scan has counted in the place of what the sample shows."""
    profile, full = fields["profile"] or {}, fields["full"]
    if not full:
        return profile
    copies = full["counts"].get("SET307") or {"share": 0.0}
    return {
        **profile,
        "role_patterns": [[folded(str(pattern).split()), rows] for pattern, rows in full["role_patterns"]],
        "characters": full["length_histogram"] or profile.get("characters"),
        "labels": full["label_counts"] or profile.get("labels"),
        "duplicates_share": copies["share"],
    }
