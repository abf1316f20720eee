"""The job lacks a secret that the script needs.

A job's container does not have the login of this machine. Without `--secrets HF_TOKEN` (or `secrets` under `[tool.hf-jobs]`)
a push fails, at the latest when training is over, and `os.environ["HF_TOKEN"]` raises KeyError.

Bad:

    $ hf jobs uv run --flavor a10g-large --timeout 4h train.py --hub-id me/demo

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py --hub-id me/demo
"""

import ast
import os
from collections.abc import Iterator

from ml_intern_helpers.analysis.guards import runs
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed_launch, passed, unknown

MODES = ("jobs",)

_TOKEN = "HF_TOKEN"  # the name, not a token
_PUSHING = ("push_to_hub", "upload_folder", "upload_file", "upload_large_folder", "create_repo")


def check(context: ScriptContext) -> Outcomes:
    if context.launch is None:
        return
    environ = context.script.given.environ
    sure, possible = _needs_token(context)
    if _TOKEN in environ:
        yield passed(f"{_TOKEN} is passed to the job")
    elif (sure or possible) and context.launch.env_open:
        yield unknown(f"whether the job gets {_TOKEN}: {context.launch.env_open}")
    elif sure:
        yield _missing(_TOKEN, sure)
    elif possible:
        yield unknown(f"whether the job needs {_TOKEN}, which it does not get: {possible}")
    for name, line in _demanded(context):
        if name != _TOKEN and context.script.given.lacks(name):
            yield _missing(name, f'line {line} reads os.environ["{name}"]')
    for name, source in context.launch.secrets.items():
        from ml_intern_helpers.core import tokens

        local_value = os.environ.get(name) or (tokens.hf_token() if name == _TOKEN else None)
        if source == "this machine" and not local_value:
            how = "log in: `hf auth login`" if name == _TOKEN else f"export {name} before the launch"
            message = f"--secrets {name}: this machine has no {name}, and the client refuses the launch"
            yield failed_launch(message, how, f"--secrets {name}", "warning")


def _missing(name: str, why: str) -> Outcome:
    return failed_launch(f"the job gets no {name}: {why}", f"pass it: --secrets {name}, in front of the script")


def _needs_token(context: ScriptContext) -> tuple[str, str]:
    """(why the script surely needs the token, why it may), "" where it does not."""
    values = [(run.config.line, context.value(run, "push_to_hub", False)) for run in context.runs if run.tunable]
    sure = [f"push_to_hub=True (line {line})" for line, value in values if value.settled and value.value is True]
    for call in context.methods(*_PUSHING) if not values else ():
        sure += [] if context.script.places[call].guards else [f"line {call.lineno} pushes"]
    sure += [f'line {line} reads os.environ["{_TOKEN}"]' for name, line in _demanded(context) if name == _TOKEN]
    possible = [value.reason for _, value in values if not value.settled or (value.state == "default" and value.value)]
    return next(iter(sure), ""), next(iter(possible), "")


def _demanded(context: ScriptContext) -> Iterator[tuple[str, int]]:
    """`os.environ["NAME"]`, read where nothing guards it."""
    for node, place in context.script.places.items():
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load) or not isinstance(node.slice, ast.Constant):
            continue
        target = dotted(context.script, node.value)
        if target and target.name == "os.environ" and not place.guards and runs(context.script, node):
            yield str(node.slice.value), node.lineno
