"""The job does not install a package that the script imports.

`hf jobs uv run` starts from an empty environment that has only what the script block lists, and the dependencies of that. The
import fails after the queue and the installation. A package that comes with a listed one (torch with trl) need not be listed.

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

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.installed import Coverage, coverage_of, needed_by_imports
from ml_intern_helpers.preflight.outcome import Outcomes, failed, failed_launch, passed, unknown

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    header, launch = context.header, context.launch
    if launch is not None and launch.installs != "uv":
        yield unknown("what is installed in the image cannot be read here")
        return
    if header.problems and not header.requirements:
        yield unknown("what the script's block lists, because it cannot be read")
        return
    needs = needed_by_imports(context)
    coverage = [(need, coverage_of(context, need)) for need in needs]
    missing = [need for need, covered in coverage if covered is Coverage.MISSING]
    if missing and not header.requirements:
        names = ", ".join(f'"{need.distributions[0]}"' for need in missing)
        if launch is not None and not launch.block:
            options = " ".join(f"--with {need.distributions[0]}" for need in missing)
            message = f"uv starts a program here and does not read the script's block: the job installs none of {names}"
            yield failed_launch(message, f"write {options} in front of the program", launch.text)
        else:
            message = f"the script names no dependencies: the job installs none of {names}"
            yield failed(message, f"put a `# /// script` block on top with # dependencies = [{names}]", header.line)
        return
    for need in missing:
        message = f"`import {need.what}`: the job does not install {' or '.join(need.distributions)}"
        yield failed(message, f'add "{need.distributions[0]}" to dependencies', need.node)
    for need, covered in coverage:
        if covered is Coverage.DOUBTFUL:
            yield unknown(f"which of the dependencies provides `{need.what}`", need.line)
    if not missing:
        listed = len(header.requirements)
        yield passed(f"{len(needs)} third-party imports, all installed by {listed} dependencies", header.line)
