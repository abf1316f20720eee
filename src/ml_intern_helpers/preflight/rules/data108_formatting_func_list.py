"""`formatting_func` returns a list.

SFTTrainer calls it with one row and uses the result as the text of that row. The batched form of older releases returns a
list of texts, and the trainer raises `AttributeError` (a list has no `endswith`) when it adds the end token, unless the
function's own loop, which then runs over the letters of one text, fails earlier.

Bad:

    from trl import SFTTrainer

    def to_text(rows):
        texts = []
        for question, answer in zip(rows["question"], rows["answer"]):
            texts.append(f"Q: {question} A: {answer}")
        return texts

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows, formatting_func=to_text).train()

Good:

    from trl import SFTTrainer

    def to_text(row):
        return f"Q: {row['question']} A: {row['answer']}"

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows, formatting_func=to_text).train()
"""

import ast

from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        setting = run.trainer.entries.items.get("formatting_func")
        role = run.trainer.role
        is_sft = role.library == "trl" and role.name == "SFTTrainer" and not run.trainer.own_init
        if not setting or not is_sft or not context.uses_current("trl") or context.patched_by:
            continue
        if "dataset_kwargs" in run.config.entries.items:  # which may switch tokenization off
            continue
        name, returned = _returned(context.script, setting.node)
        if returned and all(_is_list(context.script, expr) for expr in returned):
            message = f"formatting_func {name} returns a list: SFTTrainer passes it one row and needs one text, AttributeError"
            yield failed(message, "return one text for one row", returned[0], whole=setting.node)


def _returned(script: Script, node: ast.AST) -> tuple[str, list[ast.expr]]:
    """(name, returned expressions) of a lambda or plain local function; (name, []) or ("", []) where they are not all known."""
    if isinstance(node, ast.Lambda):
        return "(lambda)", [node.body]
    target = dotted(script, node) if isinstance(node, ast.Name) else None
    if target is None or not isinstance(target.definition, ast.FunctionDef) or target.definition.decorator_list:
        return "", []
    values: list[ast.expr | None] = []
    queue: list[ast.AST] = list(target.definition.body)
    while queue:  # nested functions are skipped
        inner = queue.pop()
        if isinstance(inner, ast.Return):
            values.append(inner.value)
        elif not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            queue.extend(ast.iter_child_nodes(inner))
    return target.definition.name, [value for value in values if value] if all(values) else []


def _is_list(script: Script, expr: ast.expr) -> bool:
    """Whether `expr` is certainly a list: written as one, or a name bound only to lists."""
    if isinstance(expr, (ast.List, ast.ListComp)):
        return True
    if isinstance(expr, ast.Call):
        target = dotted(script, expr.func)
        return target is not None and target.name == "list" and target.definition is None
    bindings = reaching(script, expr) if isinstance(expr, ast.Name) else []
    for binding in bindings:
        match binding.value:
            case ast.List() | ast.ListComp() | ast.Call(func=ast.Name(id="list")):
                continue
        return False
    return bool(bindings)
