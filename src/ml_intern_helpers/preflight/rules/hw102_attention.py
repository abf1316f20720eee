"""The card or the library does not support the attention implementation.

FlashAttention 2 needs an Ampere card or newer; on a T4, or without a GPU, the run ends at its first step. A name that is
neither an implementation of Transformers nor a kernel repository (`kernels-community/flash-attn2`) is refused when the model
is loaded. `sdpa`, the default, works everywhere. PKG102 checks whether the package is installed.

Bad:

    # /// script
    # dependencies = ["trl", "kernels"]
    # [tool.hf-jobs]
    # flavor = "t4-small"
    # ///
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", attn_implementation="kernels-community/flash-attn2")

Good:

    # /// script
    # dependencies = ["trl", "kernels"]
    # [tool.hf-jobs]
    # flavor = "a10g-large"
    # ///
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", attn_implementation="kernels-community/flash-attn2")
"""

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

#: Values that Transformers accepts besides kernel repositories (compared by the tests); each also as `paged|…`.
IMPLEMENTATIONS = frozenset({"eager", "sdpa", "flash_attention_2", "flash_attention_3", "flash_attention_4", "flex_attention"})


def check(context: ScriptContext) -> Outcomes:
    own = context.methods("register")  # AttentionInterface.register("mine", …)
    gpus, card = context.hardware
    for setting in _settings(context):
        name = setting.value.value if setting.value.state == "known" else None
        if not isinstance(name, str) or not context.error_stops_run(setting.node):
            continue
        plain, shown = name.removeprefix("paged|"), f"attn_implementation={clean(name, limit=40)!r}"
        if plain not in IMPLEMENTATIONS and "/" not in plain and not own and context.uses_current("transformers"):
            message = f"{shown} is not an implementation of Transformers: ValueError"
            yield failed(message, 'write "sdpa", or delete it', setting.node)
        elif "flash" in plain and (gpus == 0 or card == "T4"):
            obstacle = "has no GPU" if gpus == 0 else "is a T4: FlashAttention needs an Ampere card or newer"
            yield failed(f"{shown}, and {context.flavor} {obstacle}", 'write "sdpa"', setting.node)


def _settings(context: ScriptContext) -> Iterator[Setting]:
    for call in context.methods("from_pretrained", "from_config"):
        if "attn_implementation" in (items := context.keywords(call).items):
            yield items["attn_implementation"]
    for run in context.runs:
        loading = context.setting(run, "model_init_kwargs")
        items = context.entries(loading.node).items if loading and isinstance(loading.node, ast.expr) else {}
        if "attn_implementation" in items:
            yield items["attn_implementation"]
