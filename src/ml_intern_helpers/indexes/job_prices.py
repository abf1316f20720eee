"""Provides the hourly price of a Jobs flavor, from the Hub's list when stored recently, else from the dated list shipped here.

Reading uses only the standard library, because hooks call it; only `refresh` opens a connection.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_intern_helpers.core.errors import BadData, ToolError
from ml_intern_helpers.core.paths import cache_dir, write_atomic
from ml_intern_helpers.web.services import HUB

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http

LIVE_PATH = "/api/jobs/hardware"
#: How long a fetched price list is used; prices change a few times a year.
FRESH_S = 24 * 3600
_PER_HOUR = {"second": 3600.0, "minute": 60.0, "hour": 1.0, "day": 1 / 24}
_MAX_BYTES = 1024 * 1024


class Prices(NamedTuple):
    """The date of a price list, and its dollars per hour by flavor."""

    as_of: str
    usd_per_hour: dict[str, float]


class Price(NamedTuple):
    """The price of one flavor: dollars per hour, the date of the price, and its source (`Hub`, or `shipped list`)."""

    usd_per_hour: float
    as_of: str
    source: str


@cache
def prices() -> Prices:
    """The list in `job_prices.json`, beside this module."""
    loaded = json.loads(Path(__file__).with_name("job_prices.json").read_text(encoding="utf-8"))
    column = loaded["columns"].index("usd_per_hour")
    return Prices(loaded["as_of"], {name: float(row[column]) for name, row in loaded["flavors"].items()})


def price_of(flavor: str) -> Price | None:
    """The newest price known without a connection; None for a flavor that is in no list."""
    live, shipped = _stored(), prices()
    if live is not None and live.as_of >= shipped.as_of and flavor in live.usd_per_hour:
        return Price(live.usd_per_hour[flavor], live.as_of, "Hub")
    if flavor in shipped.usd_per_hour:
        return Price(shipped.usd_per_hour[flavor], shipped.as_of, "shipped list")
    return None


def refresh(http: Http) -> Prices:
    """Fetch the Hub's list and store it for `price_of`; a response of the last day is reused.

    Raises:
        Unavailable, BadData: no list could be fetched; `price_of` still answers from the stored lists.
    """
    response = http.get(HUB, LIVE_PATH, ttl_s=FRESH_S, max_bytes=_MAX_BYTES).raise_for_status("the prices of Jobs")
    usd_per_hour = _from_answer(response.json())
    if not usd_per_hour:
        raise BadData("the Hub's list of Jobs hardware contains no prices", hint="see `hf jobs hardware`")
    live = Prices(response.date[:10], usd_per_hour)
    with suppress(OSError, ToolError):  # the prices are valid even if they cannot be stored
        write_atomic(_store(), json.dumps({"url": HUB.base_url, "as_of": live.as_of, "usd_per_hour": usd_per_hour}).encode())
    return live


def _from_answer(answer: object) -> dict[str, float]:
    """Flavor -> dollars per hour, from the entries whose price and unit are understood."""
    entries = [entry for entry in answer if isinstance(entry, dict)] if isinstance(answer, list) else []
    usd_per_hour = {}
    for entry in entries:
        name, cost, factor = entry.get("name"), _positive(entry.get("unitCostUSD")), _PER_HOUR.get(str(entry.get("unitLabel")))
        if isinstance(name, str) and cost is not None and factor is not None:
            usd_per_hour[name[:100]] = round(cost * factor, 4)
    return usd_per_hour


def _stored() -> Prices | None:
    """The list that `refresh` stored, if it is for the current Hub and not dated in the future; else None."""
    try:
        data = _store().read_bytes()[:_MAX_BYTES]
        kept: Any = json.loads(data)
        usd_per_hour = {str(name): price for name, each in kept["usd_per_hour"].items() if (price := _positive(each)) is not None}
        usable = kept["url"] == HUB.base_url and "2026" <= str(kept["as_of"]) <= _today()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, ToolError):
        return None
    return Prices(str(kept["as_of"])[:10], usd_per_hour) if usable else None


def _store() -> Path:
    return cache_dir() / "jobs-prices.json"


def _today() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d")


def _positive(value: object) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if good and isinstance(value, (int, float)) else None
