"""Arguments that the script itself refuses.

The script's own argparse ends it with a usage error: in a job after the queue, the start of the machine and the
installation of the packages.

Bad:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py --hubid me/demo

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py --hub-id me/demo
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed_launch

CODE = "LAUNCH116"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    if facts.launch is None:
        return
    from ml_intern_helpers.analysis.script_arguments import parsed

    for message, fix in parsed(facts.script).problems:
        yield failed_launch(message, fix, facts.launch.text)
