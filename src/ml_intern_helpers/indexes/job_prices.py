"""What an hour of a Jobs flavor costs: the Hub's own list where it was asked lately, else the dated list that ships here.

Reading is done with the standard library alone, because hooks ask; only `refresh` opens a connection.
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
#: Prices change a few times a year; after this long the Hub is asked again before money is counted.
FRESH_S = 24 * 3600
_PER_HOUR = {"second": 3600.0, "minute": 60.0, "hour": 1.0, "day": 1 / 24}
_MAX_BYTES = 1024 * 1024


class Prices(NamedTuple):
    """Dollars an hour by flavor, and the date of the list."""

    as_of: str
    usd_per_hour: dict[str, float]


class Price(NamedTuple):
    """The price of one flavor: dollars an hour, the date of that figure, and whose it is (`Hub`, or `shipped list`)."""

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
    """The newest price known without a connection; None for a flavor that no list has."""
    live, shipped = _stored(), prices()
    if live is not None and live.as_of >= shipped.as_of and flavor in live.usd_per_hour:
        return Price(live.usd_per_hour[flavor], live.as_of, "Hub")
    if flavor in shipped.usd_per_hour:
        return Price(shipped.usd_per_hour[flavor], shipped.as_of, "shipped list")
    return None


def refresh(http: Http) -> Prices:
    """Ask the Hub for its list and keep it for `price_of`; an answer of the last day is used again.

    Raises:
        Unavailable, BadData: no list could be had; `price_of` still answers from what is stored.
    """
    response = http.get(HUB, LIVE_PATH, ttl_s=FRESH_S, max_bytes=_MAX_BYTES).raise_for_status("the prices of Jobs")
    found = _from_answer(response.json())
    if not found:
        raise BadData("the Hub's list of Jobs hardware holds no price", hint="see `hf jobs hardware`")
    live = Prices(response.date[:10], found)
    with suppress(OSError, ToolError):  # a price that could not be kept is a price all the same
        write_atomic(_store(), json.dumps({"url": HUB.base_url, "as_of": live.as_of, "usd_per_hour": found}).encode())
    return live


def _from_answer(answer: object) -> dict[str, float]:
    """Flavor -> dollars an hour, of the entries that say so in a way known here."""
    entries = [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []
    found = {}
    for one in entries:
        name, cost, factor = one.get("name"), _positive(one.get("unitCostUSD")), _PER_HOUR.get(str(one.get("unitLabel")))
        if isinstance(name, str) and cost is not None and factor is not None:
            found[name[:100]] = round(cost * factor, 4)
    return found


def _stored() -> Prices | None:
    """What `refresh` kept, for the Hub in force and not from the future; None when there is no such thing."""
    try:
        data = _store().read_bytes()[:_MAX_BYTES]
        kept: Any = json.loads(data)
        found = {str(name): price for name, each in kept["usd_per_hour"].items() if (price := _positive(each)) is not None}
        usable = kept["url"] == HUB.base_url and "2026" <= str(kept["as_of"]) <= _today()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, ToolError):
        return None
    return Prices(str(kept["as_of"])[:10], found) if usable else None


def _store() -> Path:
    return cache_dir() / "jobs-prices.json"


def _today() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d")


def _positive(value: object) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if good and isinstance(value, (int, float)) else None
