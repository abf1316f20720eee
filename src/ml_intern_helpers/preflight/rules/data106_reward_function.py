"""A reward function does not accept the keywords that TRL passes.

TRL calls it with keywords: `prompts`, `completions`, `completion_ids`, every other column of the dataset, `trainer_state`,
`log_extra`, `log_metric`. A function without `**kwargs` raises TypeError at the first step, when the model, the data and the
GPU are all there.

Bad:

    from trl import GRPOConfig, GRPOTrainer

    def short(completions):
        return [-float(len(text)) for text in completions]

    GRPOTrainer("Qwen/Qwen3-0.6B", reward_funcs=short, args=GRPOConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from trl import GRPOConfig, GRPOTrainer

    def short(completions, **kwargs):
        return [-float(len(text)) for text in completions]

    GRPOTrainer("Qwen/Qwen3-0.6B", reward_funcs=short, args=GRPOConfig(output_dir="out"), train_dataset=rows).train()
"""

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        setting = run.trainer.entries.items.get("reward_funcs")
        if run.trainer.role.name in ("GRPOTrainer", "RLOOTrainer") and setting and context.uses_current("trl"):
            for function in _functions(context.script, setting.node):
                if function.args.kwarg is None:
                    name = getattr(function, "name", "the lambda")
                    message = (
                        f"the reward function {name} has no **kwargs: TRL passes keywords that it does not accept, TypeError"
                    )
                    yield failed(message, "add **kwargs to its arguments", function)


def _functions(script: Script, node: ast.AST) -> Iterator[_Function]:
    """The local functions given as `reward_funcs=`: a single one, a list, or a name bound to either."""
    if isinstance(node, ast.Lambda):
        yield node
    elif isinstance(node, (ast.List, ast.Tuple)):
        for part in node.elts:
            yield from _functions(script, part)
    elif isinstance(node, ast.Name):
        target = dotted(script, node)
        if target and isinstance(target.definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not target.definition.decorator_list and not target.partial:  # a decorator may accept the keywords
                yield target.definition
            return
        bindings = reaching(script, node)
        if len(bindings) == 1 and isinstance(bindings[0].value, (ast.List, ast.Tuple, ast.Lambda)):
            yield from _functions(script, bindings[0].value)
