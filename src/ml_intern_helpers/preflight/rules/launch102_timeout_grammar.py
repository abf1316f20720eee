"""The client cannot parse the timeout.

It accepts one number with one of the units s, m, h, d, or whole seconds. `2h30m`, `90min` and `30 minutes` end the submission
with "could not convert string to float"; `1.5h` is accepted. `hf … --dry-run` does not notice.

Bad:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # timeout = "2h30m"
    # ///

Good:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # timeout = "2.5h"
    # ///
"""

from ml_intern_helpers.indexes.jobs import timeout_seconds
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    value = (context.header.jobs or {}).get("timeout")
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return  # absent, or of a type that LAUNCH103 reports
    seconds, stated = timeout_seconds(str(value)), context.header.setting_text("timeout")
    if seconds is None:
        message = f"{stated} cannot be parsed by the client: write one number and one of s m h d, or seconds"
        yield context.failed_in_header("timeout", message, "write one unit: 2.5h or 150m")
    elif seconds <= 0:
        yield context.failed_in_header("timeout", f"{stated} is not a positive time", "write 4h")
