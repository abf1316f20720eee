"""Run in the training environment: prints its interpreter and the versions that the report names, as one JSON object."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

NAMES = ("torch", "trl", "transformers", "trackio")

if __name__ == "__main__":
    print(json.dumps({"python": sys.executable, **{name: version(name) for name in NAMES}}))
