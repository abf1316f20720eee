"""The job is started again and again on a schedule.

A scheduled job starts, and costs, each time until somebody deletes it. Create one only when the user has explicitly asked for
a schedule, and say how to end it.

Bad:

    $ hf jobs scheduled uv run @daily --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed_launch

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    if context.launch is None or "schedule" not in context.launch.settings:
        return
    from ml_intern_helpers.launches.words import masked

    when = masked(context.launch.settings["schedule"].value or "a schedule that is not known", 40)
    message = f"a scheduled job ({when}) starts, and costs money, again and again until it is deleted"
    fix = "start it once: hf jobs uv run …; if the user asked for the schedule, say so in a suppression in the script"
    yield failed_launch(message, fix, context.launch.text)
