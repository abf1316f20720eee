"""An import that the job does not install.

`hf jobs uv run` starts from an empty environment: only what the script block lists (and what that brings) is there.
The import fails after the queue and the installation. What comes with a listed package (torch with trl) need not be
listed.

Bad:

    # /// script
    # dependencies = ["trl"]
    # ///
    from peft import LoraConfig
    from sklearn.metrics import f1_score

Good:

    # /// script
    # dependencies = ["trl", "peft", "scikit-learn"]
    # ///
    from peft import LoraConfig
    from sklearn.metrics import f1_score
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.installed import Verdict, judged, needed_by_imports
from ml_intern_helpers.preflight.outcome import Outcome, failed, failed_launch, passed, unknown

CODE = "PKG101"
SEVERITY = "error"
MODES = ("jobs",)


def check(facts: Facts) -> Iterator[Outcome]:
    unread = _unread(facts)
    if unread:
        yield unknown(unread)
        return
    needs = needed_by_imports(facts)
    verdicts = [(need, judged(facts, need)) for need in needs]
    missing = [need for need, verdict in verdicts if verdict is Verdict.MISSING]
    if not facts.header.requirements and missing:
        names = ", ".join(f'"{need.distributions[0]}"' for need in missing)
        if facts.launch is not None and not facts.launch.block:
            options = " ".join(f"--with {need.distributions[0]}" for need in missing)
            message = f"uv starts a program here and does not read the script's block: the job installs none of {names}"
            yield failed_launch(message, f"write {options} in front of the program", facts.launch.text)
            return
        message = f"the script names no dependencies: the job installs none of {names}"
        yield failed(message, f"put a `# /// script` block on top with # dependencies = [{names}]", facts.header.line)
        return
    for need in missing:
        message = f"`import {need.what}`: the job does not install {' or '.join(need.distributions)}"
        yield failed(message, f'add "{need.distributions[0]}" to dependencies', need.node)
    for need, verdict in verdicts:
        if verdict is Verdict.DOUBTFUL:
            yield unknown(f"which of the dependencies provides `{need.what}`", need.line)
    if not missing:
        listed = len(facts.header.requirements)
        yield passed(f"{len(needs)} third-party imports, all installed by {listed} dependencies", facts.header.line)


def _unread(facts: Facts) -> str:
    """Why what is installed cannot be told, "" where it can."""
    if facts.launch is not None and facts.launch.installs != "uv":
        return "what the image has installed is not read here"
    broken = not facts.header.requirements and facts.header.problems
    return "what the script's block lists: it cannot be read" if broken else ""
