"""The script refuses its own arguments.

The script's argparse ends it with a usage error; in a job this happens after the queue, the start of the machine and the
installation of the packages.

Bad:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py --hubid me/demo

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py --hub-id me/demo
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed_launch


def check(context: ScriptContext) -> Outcomes:
    if context.launch is None:
        return
    from ml_intern_helpers.analysis.script_arguments import parsed

    for message, fix in parsed(context.script).problems:
        yield failed_launch(message, fix, context.launch.text)
