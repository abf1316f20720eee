"""A port of the job is open to everybody.

`--expose-public` puts a port on the internet without asking for a token, and costs extra by the hour. `--expose` requires a
token that may read the job's namespace.

Bad:

    $ hf jobs uv run --expose-public 7860 --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --expose 7860 --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed_launch

SEVERITY = "warning"
MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    port = context.launch.settings.get("expose_public") if context.launch else None
    if port is not None:
        message = f"port {port.value} is open to everybody on the internet"
        yield failed_launch(message, "write --expose, or leave it out", port.how)
