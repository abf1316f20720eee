"""What a job will have installed, and what the script needs of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from ml_intern_helpers.analysis.names import dotted, origins
from ml_intern_helpers.analysis.neighbours import beside
from ml_intern_helpers.analysis.requirements import Requirement, normal_name, parse_requirement
from ml_intern_helpers.analysis.training import command_words
from ml_intern_helpers.analysis.values import Setting, Value
from ml_intern_helpers.indexes.packages import BRINGS, COMPLETE, DISTRIBUTIONS, EXTRAS, SAME_NAME, WELL_KNOWN
from ml_intern_helpers.preflight.context import ScriptContext


class Need(NamedTuple):
    """Something that must be installed: for what, any one of which distributions, where the script asks for it."""

    what: str
    distributions: tuple[str, ...]
    node: ast.AST

    @property
    def line(self) -> int | None:
        return getattr(self.node, "lineno", None)


class Verdict(Enum):
    """Whether a need is met; DOUBTFUL when a dependency of unknown content may bring it."""

    MET = "met"
    MISSING = "missing"
    DOUBTFUL = "doubtful"


def needed_by_imports(context: ScriptContext) -> list[Need]:
    """One need per third-party package that is imported unconditionally."""
    found: dict[tuple[str, ...], Need] = {}
    for item in context.imports:
        if item.optional or item.module.startswith(".") or item.top in sys.stdlib_module_names or item.top == "__future__":
            continue
        if item.top != "google" and not beside(context.source.path, item.top):
            names = DISTRIBUTIONS.get(item.top, (normal_name(item.top),))
            found.setdefault(names, Need(item.top, names, item.node))
    return list(found.values())


def judged(context: ScriptContext, need: Need) -> Verdict:
    """Whether the job will have what `need` asks for."""
    given = [*context.header.requirements, *_installed_by_script(context)]
    listed, extras = [requirement.name for requirement in given], _extras(given)
    there = {*listed, *extras}.union(*(BRINGS.get(name, frozenset()) for name in (*listed, *extras)))
    if there & set(need.distributions):
        return Verdict.MET
    if not listed or all(_cannot_bring(name, need) for name in listed):
        return Verdict.MISSING
    return Verdict.DOUBTFUL


def _extras(given: list[Requirement]) -> set[str]:
    """What `trl[peft]` adds to trl."""
    found: set[str] = set()
    for requirement in given:
        for extra in requirement.extras:
            found |= EXTRAS.get((requirement.name, extra), frozenset())
    return found


def _cannot_bring(listed: str, need: Need) -> bool:
    """A dependency whose requirements are known in full, or that is known to bring none of the large libraries."""
    if listed in COMPLETE:
        return True
    large = any(name in SAME_NAME or name in _DIFFERING for name in need.distributions)
    return large and (listed in WELL_KNOWN or listed not in BRINGS) and (listed in SAME_NAME or listed in _DIFFERING)


_DIFFERING = frozenset(name for names in DISTRIBUTIONS.values() for name in names)


def _installed_by_script(context: ScriptContext) -> Iterator[Requirement]:
    """`subprocess.run([sys.executable, "-m", "pip", "install", "peft"])`, and `%pip install` or `!pip install` in a notebook."""
    for name, calls in context.calls.items():
        if name.startswith("subprocess.") or name == "os.system":
            for call in calls:
                yield from _pip_requirements(command_words(context.script, call.args[0]) if call.args else [])
    if context.source.cells is not None:
        for line in context.source.lines:
            if line.startswith(("# %pip ", "# !pip ", "# !uv ", "# %uv ")):
                yield from _pip_requirements(line[3:].replace('"', "").replace("'", "").split())


def _pip_requirements(words: list[str]) -> Iterator[Requirement]:
    if "install" not in words or not any(word in ("pip", "uv", "pip3") for word in words):
        return
    for word in words[words.index("install") + 1 :]:
        requirement = parse_requirement(word) if not word.startswith("-") else None
        if requirement is not None:
            yield requirement


def needed_by_settings(context: ScriptContext) -> Iterator[Need]:
    """Packages that a setting implies; each once."""
    told: set[tuple[str, ...]] = set()
    for need in (*_by_configs(context), *_by_trainers(context), *_by_calls(context)):
        if need.distributions not in told:
            told.add(need.distributions)
            yield need


def _by_configs(context: ScriptContext) -> Iterator[Need]:
    for run in context.runs:
        for name, setting in run.config.entries.items.items():
            if setting.value.settled:
                for distributions in _implied(name, setting.value):
                    yield Need(f"{name}={setting.value.value!r}", distributions, setting.node)


def _implied(name: str, value: Value) -> Iterator[tuple[str, ...]]:
    texts = [text for text in (value.value if isinstance(value.value, (list, tuple)) else [value.value]) if isinstance(text, str)]
    if name == "report_to":
        yield from (
            (text.replace("_", "-"),) for text in texts if text in ("trackio", "wandb", "mlflow", "tensorboard", "swanlab")
        )
    elif name == "optim" and texts and _bitsandbytes_optimizer(texts[0]):
        yield ("bitsandbytes",)
    elif name in ("use_vllm", "use_liger_kernel") and value.value is True:
        yield ("vllm",) if name == "use_vllm" else ("liger-kernel",)
    elif name == "deepspeed" and value.value:
        yield ("deepspeed",)
    elif name == "model_init_kwargs" and isinstance(value.value, dict):
        yield from _attention(value.value.get("attn_implementation"))


def _bitsandbytes_optimizer(name: str) -> bool:
    return ("8bit" in name or name.startswith("paged_") or "bnb" in name) and "torch" not in name


def _attention(name: object) -> Iterator[tuple[str, ...]]:
    if isinstance(name, str) and name.startswith("kernels-community/"):
        yield ("kernels",)
    elif name == "flash_attention_2":
        yield ("flash-attn", "kernels")


def _by_trainers(context: ScriptContext) -> Iterator[Need]:
    for trainer in context.trainers:
        setting = trainer.entries.items.get("peft_config")
        if setting and not (setting.value.settled and setting.value.value is None) and not _perhaps_none(context, setting):
            yield Need("peft_config=", ("peft",), setting.node)


def _perhaps_none(context: ScriptContext, setting: Setting) -> bool:
    """TRL's own scripts pass `get_peft_config(model_args)`: None without --use_peft."""
    calls = origins(context.script, setting.node) if isinstance(setting.node, ast.expr) else ()
    return any((target := dotted(context.script, call.func)) and target.name.endswith(".get_peft_config") for call in calls)


def _by_calls(context: ScriptContext) -> Iterator[Need]:
    for _, call in context.calls_ending("BitsAndBytesConfig"):
        yield Need("BitsAndBytesConfig", ("bitsandbytes",), call)
    for _, call in context.calls_ending("from_pretrained"):
        setting = context.keywords(call).items.get("attn_implementation")
        for distributions in _attention(setting.value.value if setting else None):
            yield Need("attn_implementation", distributions, call)
