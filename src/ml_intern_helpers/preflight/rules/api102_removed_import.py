"""A name is imported or used that the release does not offer.

The script ends with `ImportError` in its first second, after the queue, the image and the installation have been paid for.
The same holds for `trl.Name` after `import trl`, and for modules.

Bad:

    from trl import DataCollatorForCompletionOnlyLM, PPOTrainer, setup_chat_format

Good:

    from trl import SFTConfig, SFTTrainer
"""

import ast

from ml_intern_helpers.analysis.guards import blamable
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.preflight.context import Imported, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    missing: set[str] = set()
    reported: set[tuple[str, ast.AST]] = set()
    for item in context.imports:
        gone = _gone(context, item)
        if gone:
            missing.add(gone)
            if item.blamable and (gone, item.node) not in reported:  # one module, though ten names are imported from it
                reported.add((gone, item.node))
                yield _missing(context, gone, item.node)
    # `import trl` … `trl.PPOTrainer`; what an import has been reported for is not reported again.
    for node, place in context.script.places.items():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and not isinstance(place.parent, ast.Attribute):
            target = dotted(context.script, node)
            if target is None or target.definition is not None or not context.is_indexed(target.name.partition(".")[0]):
                continue
            found = context.offers.walk(target.name)
            if found.state == "missing" and found.name not in missing and blamable(context.script, node, importing=True):
                missing.add(found.name)
                yield _missing(context, found.name, node)
    yield from context.unknown_releases("names")


def _gone(context: ScriptContext, item: Imported) -> str | None:
    """What of an import does not exist: the module, one above it, or the name."""
    if not context.is_indexed(item.top):
        return None
    module = context.offers.walk(item.module)
    if module.state == "missing":
        return module.name
    if module.state == "found" and ":" in module.origin:
        return item.module  # a class or function is no module
    if module.state == "doubt" or item.name in ("", "*"):
        return None
    found = context.offers.walk(f"{item.module}.{item.name}")
    return found.name if found.state == "missing" else None


def _missing(context: ScriptContext, gone: str, node: ast.AST) -> Outcome:
    from ml_intern_helpers.analysis.advice import for_name

    advice = for_name(context.offers, gone)
    error = "AttributeError" if isinstance(node, ast.Attribute) else "ImportError"
    since = f" ({advice.since})" if advice.since else ""
    return failed(f"{gone} does not exist in {context.offers.label(gone)}{since}: {error}", advice.fix, node)
