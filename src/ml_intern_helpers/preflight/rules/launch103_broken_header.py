"""The script block is refused, or not recognised, by `uv` or `hf jobs uv run`.

Invalid TOML, a second block and an unknown key under `[tool.hf-jobs]` end the submission. A block that is never closed is
silently ignored, and the job runs without its packages, flavor and timeout.

Bad:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # gpu = "a100-large"
    # ///

Good:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # flavor = "a100-large"
    # ///
"""

from ml_intern_helpers.indexes.jobs import HEADER_KEYS
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    for problem in context.header.problems:
        fix = f"use one of the keys {', '.join(HEADER_KEYS)}" if problem.kind == "unknown-key" else "correct the script block"
        yield failed(problem.message, fix, problem.line)
