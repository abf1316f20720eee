"""The figures that the page draws: those of the full scan where there was one, else those of the sample."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.profile.profile import folded


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
