"""A name is imported or used that the release does not offer.

The script ends with `ImportError` in its first second, after the queue, the image and the installation have been paid for.
The same holds for `trl.Name` after `import trl`, and for modules.

Bad:

    from trl import DataCollatorForCompletionOnlyLM, PPOTrainer, setup_chat_format

Good:

    from trl import SFTConfig, SFTTrainer
"""

import ast

from ml_intern_helpers.analysis.guards import error_stops_run
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.preflight.context import Imported, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    missing: set[str] = set()
    reported: set[tuple[str, ast.AST]] = set()
    for item in context.imports:
        missing_name = _missing_name(context, item)
        if missing_name:
            missing.add(missing_name)
            # A missing module is reported once, not for each name.
            if item.error_stops_run and (missing_name, item.node) not in reported:
                reported.add((missing_name, item.node))
                yield _missing(context, missing_name, item.node)
    # `trl.PPOTrainer` after `import trl`; what was reported at its import is not reported again.
    for node, place in context.script.places.items():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and not isinstance(place.parent, ast.Attribute):
            target = dotted(context.script, node)
            if target is None or target.definition is not None or not context.is_indexed(target.name.partition(".")[0]):
                continue
            resolved = context.offers.walk(target.name)
            if (
                resolved.state == "missing"
                and resolved.name not in missing
                and error_stops_run(context.script, node, importing=True)
            ):
                missing.add(resolved.name)
                yield _missing(context, resolved.name, node)
    yield from context.unknown_releases("names")


def _missing_name(context: ScriptContext, item: Imported) -> str | None:
    """The part of an import that does not exist: the module, a parent of it, or the name; None if all exist."""
    if not context.is_indexed(item.top):
        return None
    module = context.offers.walk(item.module)
    if module.state == "missing":
        return module.name
    if module.state == "found" and ":" in module.origin:
        return item.module  # a class or function is not a module
    if module.state == "doubt" or item.name in ("", "*"):
        return None
    resolved = context.offers.walk(f"{item.module}.{item.name}")
    return resolved.name if resolved.state == "missing" else None


def _missing(context: ScriptContext, gone: str, node: ast.AST) -> Outcome:
    from ml_intern_helpers.analysis.advice import for_name

    advice = for_name(context.offers, gone)
    error = "AttributeError" if isinstance(node, ast.Attribute) else "ImportError"
    since = f" ({advice.since})" if advice.since else ""
    return failed(f"{gone} does not exist in {context.offers.label(gone)}{since}: {error}", advice.fix, node)
