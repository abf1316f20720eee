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

from collections.abc import Iterator

from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed, failed_launch

CODE = "LAUNCH104"
# A warning: the server may offer a flavor that this release of the client does not list yet.
SEVERITY = "warning"
MODES = ("jobs",)


def check(facts: Facts) -> Iterator[Outcome]:
    flavor = (facts.header.jobs or {}).get("flavor")
    if isinstance(flavor, str) and flavor not in FLAVORS:
        import difflib  # only for those who mistyped

        near = difflib.get_close_matches(flavor, FLAVORS, n=3, cutoff=0.5)
        fix = f"did you mean {', '.join(near)}? `hf jobs hardware` lists them" if near else "`hf jobs hardware` lists them"
        message = f"{facts.header.said('flavor')} is not among the flavors of huggingface_hub 2.4"
        line = facts.header.line_with("flavor", "=")
        yield failed(message, fix, line) if line else failed_launch(message, fix, facts.header.said("flavor"))
