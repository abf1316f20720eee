"""What an hour of a Jobs flavor costs, from the dated list that ships with the package; the live price is `hf jobs hardware`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Prices(NamedTuple):
    """Dollars an hour by flavor, and the date of the list."""

    as_of: str
    usd_per_hour: dict[str, float]


@cache
def prices() -> Prices:
    """The list in `jobs_pricing.json`, beside this module."""
    loaded = json.loads(Path(__file__).with_name("jobs_pricing.json").read_text(encoding="utf-8"))
    column = loaded["columns"].index("usd_per_hour")
    return Prices(loaded["as_of"], {name: float(row[column]) for name, row in loaded["flavors"].items()})
