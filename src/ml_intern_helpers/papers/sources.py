"""Who said it and when: every figure of this room names its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Response


@dataclass(frozen=True)
class Source:
    """One service behind an answer.

    Attributes:
        service: its name.
        fetched_at: ISO 8601 in UTC, of the oldest of its answers.
        cached: True when no request was made for any of them.
        responses: how many answers were used.
    """

    service: str
    fetched_at: str
    cached: bool
    responses: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def sources(responses: Iterable[Response]) -> list[dict[str, Any]]:
    """One `Source` object per service, in the order of first use."""
    groups: dict[str, list[Response]] = {}
    for response in responses:
        groups.setdefault(response.service.name, []).append(response)
    return [
        Source(name, min(group, key=lambda r: r.fetched_at).date, all(r.cached for r in group), len(group)).to_dict()
        for name, group in groups.items()
    ]


def render_sources(found: list[dict[str, Any]]) -> str:
    """`source: arXiv, fetched 2026-11-22T10:00:00Z (stored answer)`."""
    parts = [f"{s['service']}, fetched {s['fetched_at']}" + (" (stored answer)" if s["cached"] else "") for s in found]
    return "source: " + ("; ".join(parts) or "none")
