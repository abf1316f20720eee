"""An attention implementation that the card or the library does not have.

FlashAttention 2 needs an Ampere card or newer: on a T4 (and without a GPU) the run ends at its first step. A name that
is neither an implementation of Transformers nor a kernel repository (`kernels-community/flash-attn2`) is refused at
loading. `sdpa`, the default, runs everywhere. Whether its package is installed is PKG102's question.

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

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "HW102"
SEVERITY = "error"
MODES = ("jobs", "local")

#: What Transformers takes besides kernel repositories (held to the library by the tests); each also as `paged|…`.
IMPLEMENTATIONS = frozenset({"eager", "sdpa", "flash_attention_2", "flash_attention_3", "flash_attention_4", "flex_attention"})


def check(facts: Facts) -> Iterator[Outcome]:
    own = facts.methods("register")  # AttentionInterface.register("mine", …)
    for setting in _settings(facts):
        name = setting.value.value if setting.value.state == "known" else None
        if isinstance(name, str) and facts.blamable(setting.node):
            plain = name.removeprefix("paged|")
            if plain not in IMPLEMENTATIONS and "/" not in plain and not own and facts.uses_current("transformers"):
                message = f"attn_implementation={clean(name, limit=40)!r} is none of Transformers': ValueError"
                yield failed(message, 'write "sdpa", or drop it', setting.node)
            elif "flash" in plain:
                yield from _card(facts, setting, name)


def _card(facts: Facts, setting: Setting, name: str) -> Iterator[Outcome]:
    flavor = (facts.header.jobs or {}).get("flavor") if facts.mode == "jobs" else None
    gpus, card = FLAVORS.get(flavor, (None, "")) if isinstance(flavor, str) else (None, "")
    if gpus == 0 or card == "T4":
        lacks = "has no GPU" if gpus == 0 else "is a T4: FlashAttention needs an Ampere card or newer"
        yield failed(f"attn_implementation={clean(name, limit=40)!r}, and {flavor} {lacks}", 'write "sdpa"', setting.node)


def _settings(facts: Facts) -> Iterator[Setting]:
    for call in facts.methods("from_pretrained", "from_config"):
        if "attn_implementation" in (items := facts.keywords(call).items):
            yield items["attn_implementation"]
    for run in facts.runs:
        loading = facts.setting(run, "model_init_kwargs")
        items = facts.entries(loading.node).items if loading and isinstance(loading.node, ast.expr) else {}
        if "attn_implementation" in items:
            yield items["attn_implementation"]
