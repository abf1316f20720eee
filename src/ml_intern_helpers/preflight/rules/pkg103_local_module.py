"""A module beside the script is not uploaded with it.

`hf jobs uv run train.py` uploads the script, and files named in its arguments, and nothing else: `import utils` of a
neighbouring file works on this machine and fails in the job.

Bad:

    import helper_functions  # helper_functions.py lies beside the script

Good:

    def helper():
        "what helper_functions.py held"
"""

from ml_intern_helpers.analysis.script import beside
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    if context.launch is not None and context.launch.volumes:
        return  # a mounted folder may hold them
    reported = set()
    for item in context.imports:
        name = item.module.lstrip(".").split(".")[0] or item.name
        local = item.module.startswith(".") or beside(context.source.path, name)
        if local and not item.optional and name not in reported:
            reported.add(name)
            message = f"`{name}` is a local module: a job gets only the script"
            yield failed(message, "move its code into the script, or install it from a repository or package", item.node)
