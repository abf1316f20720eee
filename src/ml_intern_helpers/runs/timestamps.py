"""Reads and writes times and time spans as task files, ledgers and command lines use them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ml_intern_helpers.core.errors import UsageError

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: A year; a longer span is taken for a typing error.
LONGEST_SPAN_S = 366 * 86400


def now() -> datetime:
    """The current time in UTC, by this machine's clock."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """`2026-11-23T04:13:00.123Z`: sorts as text, and every language can read it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parsed(text: object) -> datetime | None:
    """The time in an ISO 8601 text with a time zone, in UTC; None for everything else."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def seconds(text: str) -> int:
    """Seconds of `90m`, `2h`, `1h30m`, `1.5d`.

    Raises:
        UsageError: it is not a span of time, or is longer than a year.
    """
    unparsed = _SPAN.sub("", text).strip()
    total = sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text))
    if unparsed or not 0 < total <= LONGEST_SPAN_S:
        raise UsageError(f"{text!r} is not a span of time", hint="write 90m, 2h, 1h30m or 2d")
    return round(total)


def span(seconds_long: float) -> str:
    """`2h`, `1h 30min`, `45s`, for people."""
    total = max(0, round(seconds_long))
    if total < 60:
        return f"{total}s"
    hours, minutes = divmod(total // 60, 60)
    return f"{hours}h" if hours and not minutes else f"{hours}h {minutes}min" if hours else f"{minutes}min"
