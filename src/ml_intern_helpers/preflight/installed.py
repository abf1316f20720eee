"""Determines which packages a script needs, and whether the job installs them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from ml_intern_helpers.analysis.constructions import command_words
from ml_intern_helpers.analysis.names import dotted, origins
from ml_intern_helpers.analysis.requirements import Requirement, normal_name, parse_requirement
from ml_intern_helpers.analysis.script import beside
from ml_intern_helpers.indexes.packages import BRINGS, COMPLETE, DISTRIBUTIONS, EXTRAS, SAME_NAME, WELL_KNOWN
from ml_intern_helpers.preflight.context import ScriptContext


class Need(NamedTuple):
    """A package that must be installed: `what` needs any one of `distributions`; `node` is the place in the script."""

    what: str
    distributions: tuple[str, ...]
    node: ast.AST

    @property
    def line(self) -> int | None:
        return getattr(self.node, "lineno", None)


class Coverage(Enum):
    """Whether the job installs what is needed; DOUBTFUL when a dependency with unknown requirements may bring it."""

    MET = "met"
    MISSING = "missing"
    DOUBTFUL = "doubtful"


def needed_by_imports(context: ScriptContext) -> list[Need]:
    """One need per third-party package that is imported unconditionally."""
    needs: dict[tuple[str, ...], Need] = {}
    for item in context.imports:
        if item.optional or item.module.startswith(".") or item.top in sys.stdlib_module_names or item.top == "__future__":
            continue
        if item.top != "google" and not beside(context.source.path, item.top):
            names = DISTRIBUTIONS.get(item.top, (normal_name(item.top),))
            needs.setdefault(names, Need(item.top, names, item.node))
    return list(needs.values())


def coverage_of(context: ScriptContext, need: Need) -> Coverage:
    """Whether the job will have what `need` asks for."""
    requirements = [*context.header.requirements, *_installed_by_script(context)]
    listed = [requirement.name for requirement in requirements]
    extras: set[str] = set()  # what `trl[peft]` adds to trl
    for requirement in requirements:
        extras = extras.union(*(EXTRAS.get((requirement.name, extra), frozenset()) for extra in requirement.extras))
    installed = {*listed, *extras}.union(*(BRINGS.get(name, frozenset()) for name in (*listed, *extras)))
    if installed & set(need.distributions):
        return Coverage.MET
    large = any(name in SAME_NAME or name in _DIFFERING for name in need.distributions)
    for name in listed:
        # Some packages' requirements are completely known; others are known to bring none of the large libraries.
        brings_none = (name in WELL_KNOWN or name not in BRINGS) and (name in SAME_NAME or name in _DIFFERING)
        if name not in COMPLETE and not (large and brings_none):
            return Coverage.DOUBTFUL
    return Coverage.MISSING


_DIFFERING = frozenset(name for names in DISTRIBUTIONS.values() for name in names)


def _installed_by_script(context: ScriptContext) -> Iterator[Requirement]:
    """`subprocess.run([sys.executable, "-m", "pip", "install", "peft"])`, and `%pip install` or `!pip install` in a notebook."""
    for name, calls in context.calls.items():
        if name.startswith("subprocess.") or name == "os.system":
            for call in calls:
                yield from _pip_requirements(command_words(context.script, call.args[0]) if call.args else [])
    for command in context.source.commands:
        if command.startswith(("pip ", "uv ")):
            yield from _pip_requirements(command.replace('"', "").replace("'", "").split())


def _pip_requirements(words: list[str]) -> Iterator[Requirement]:
    if "install" not in words or not any(word in ("pip", "uv", "pip3") for word in words):
        return
    for word in words[words.index("install") + 1 :]:
        requirement = parse_requirement(word) if not word.startswith("-") else None
        if requirement is not None:
            yield requirement


def needed_by_settings(context: ScriptContext) -> Iterator[Need]:
    """Packages that a setting or a call implies; each once."""
    by_distributions: dict[tuple[str, ...], Need] = {}
    needs = []
    for run in context.runs:
        for name, setting in run.config.entries.items.items():
            if setting.value.settled:
                what, implied = f"{name}={setting.value.value!r}", _implied(name, setting.value.value)
                needs += [Need(what, distributions, setting.node) for distributions in implied]
    for trainer in context.trainers:
        adapter = trainer.entries.items.get("peft_config")
        if adapter is not None and not (adapter.value.settled and adapter.value.value is None):
            # TRL's own scripts pass `get_peft_config(model_args)`, which is None without --use_peft.
            calls = origins(context.script, adapter.node) if isinstance(adapter.node, ast.expr) else ()
            targets = [dotted(context.script, call.func) for call in calls]
            if not any(target and target.name.endswith(".get_peft_config") for target in targets):
                needs.append(Need("peft_config=", ("peft",), adapter.node))
    for need in (*needs, *_by_calls(context)):
        by_distributions.setdefault(need.distributions, need)
    yield from by_distributions.values()


def _implied(name: str, value: object) -> Iterator[tuple[str, ...]]:
    names = [text for text in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(text, str)]
    if name == "report_to":
        packages = ("trackio", "wandb", "mlflow", "tensorboard", "swanlab")
        yield from ((name.replace("_", "-"),) for name in names if name in packages)
    elif name == "optim" and names:
        of_bitsandbytes = "8bit" in names[0] or names[0].startswith("paged_") or "bnb" in names[0]
        if of_bitsandbytes and "torch" not in names[0]:
            yield ("bitsandbytes",)
    elif name in ("use_vllm", "use_liger_kernel") and value is True:
        yield ("vllm",) if name == "use_vllm" else ("liger-kernel",)
    elif name == "deepspeed" and value:
        yield ("deepspeed",)
    elif name == "model_init_kwargs" and isinstance(value, dict):
        yield from _attention(value.get("attn_implementation"))


def _attention(name: object) -> Iterator[tuple[str, ...]]:
    if isinstance(name, str) and name.startswith("kernels-community/"):
        yield ("kernels",)
    elif name == "flash_attention_2":
        yield ("flash-attn", "kernels")


def _by_calls(context: ScriptContext) -> Iterator[Need]:
    for _, call in context.calls_ending("BitsAndBytesConfig"):
        yield Need("BitsAndBytesConfig", ("bitsandbytes",), call)
    for _, call in context.calls_ending("from_pretrained"):
        setting = context.keywords(call).items.get("attn_implementation")
        for distributions in _attention(setting.value.value if setting else None):
            yield Need("attn_implementation", distributions, call)
