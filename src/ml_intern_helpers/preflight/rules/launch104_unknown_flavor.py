"""Jobs do not offer this flavor.

The client sends any word; only the server refuses it, when the job is submitted. There is no `h100`, and `a10g-large` has the
same 24 GB as `a10g-small`.

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

from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

# A warning: the server may offer a flavor that this release of the client does not list yet.
SEVERITY = "warning"
MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    flavor = context.flavor
    if flavor is not None and flavor not in FLAVORS:
        import difflib  # only for those who mistyped

        alike = difflib.get_close_matches(flavor, FLAVORS, n=3, cutoff=0.5)
        fix = f"did you mean {', '.join(alike)}? `hf jobs hardware` lists them" if alike else "`hf jobs hardware` lists them"
        message = f"{context.header.setting_text('flavor')} is not among the flavors of huggingface_hub 2.4"
        yield context.failed_in_header("flavor", message, fix)
