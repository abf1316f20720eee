"""A port of the job is open to everybody.

`--expose-public` puts a port on the internet without asking for a token, and costs extra by the hour. `--expose` asks for
one that may read the job's namespace.

Bad:

    $ hf jobs uv run --expose-public 7860 --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --expose 7860 --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed_launch

CODE = "LAUNCH117"
SEVERITY = "warning"
MODES = ("jobs",)


def check(facts: Facts) -> Iterator[Outcome]:
    port = facts.launch.settings.get("expose_public") if facts.launch else None
    if port is not None:
        yield failed_launch(
            f"port {port.value} is open to everybody on the internet", "write --expose, or leave it out", port.how
        )
