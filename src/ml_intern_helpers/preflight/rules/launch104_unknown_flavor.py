"""A flavor that Jobs do not have.

The client sends any word; only the server refuses it, when the job is submitted. There is no `h100`, and `a10g-large`
has the same 24 GB as `a10g-small`.

Bad:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # flavor = "h100"
    # ///

Good:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # flavor = "h200"
    # ///
"""

from __future__ import annotations

from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, failed_launch

# A warning: the server may offer a flavor that this release of the client does not list yet.
SEVERITY = "warning"
MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    flavor = (context.header.jobs or {}).get("flavor")
    if isinstance(flavor, str) and flavor not in FLAVORS:
        import difflib  # only for those who mistyped

        near = difflib.get_close_matches(flavor, FLAVORS, n=3, cutoff=0.5)
        fix = f"did you mean {', '.join(near)}? `hf jobs hardware` lists them" if near else "`hf jobs hardware` lists them"
        message = f"{context.header.said('flavor')} is not among the flavors of huggingface_hub 2.4"
        line = context.header.line_with("flavor", "=")
        yield failed(message, fix, line) if line else failed_launch(message, fix, context.header.said("flavor"))
