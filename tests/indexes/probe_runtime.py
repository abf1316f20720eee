"""Run by the training environment's Python: compares the shipped index with what importing the libraries shows. Prints JSON."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import os
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, sys.argv[1])

from ml_intern_helpers.indexes.libraries import PACKAGES, shipped_library  # noqa: E402

LIBRARY = shipped_library()
NAMED = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def main() -> None:
    """Differences by class, and by package; and keywords that `from_pretrained` refuses."""
    asked = json.loads(sys.argv[2])
    calls = {call: compare(call) for call in asked["calls"]}
    found = {name: names(name) for name in PACKAGES}
    print(json.dumps({"calls": calls, "names": found, "refused": refused(asked["classes"], asked["keywords"])}))


GIVEN = {
    "torch_dtype": "auto", "dtype": "auto", "device_map": "cpu", "attn_implementation": "eager", "subfolder": "", "revision": "main",
    "max_position_embeddings": 64, "num_labels": 2, "id2label": {0: "a"}, "attention_dropout": 0.1, "pad_token_id": 0,
    "problem_type": "regression", "use_safetensors": True, "use_cache": False, "local_files_only": True,
    "ignore_mismatched_sizes": True, "load_in_4bit": True, "load_in_8bit": True, "use_auth_token": True,
    "use_flash_attention_2": True, "resume_download": True, "torch_dtyp": "x", "trust_remote": True, "nonsense": 1,
    "fast_inference": True, "low_cpu_mem_usage": True, "offload_state_dict": True,
}  # fmt: skip


def refused(classes: list[str], keywords: list[str]) -> dict[str, list[str]]:
    """Class -> keywords that a tiny model refuses with a TypeError."""
    import transformers

    transformers.logging.set_verbosity_error()
    config = transformers.LlamaConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=16
    )
    found: dict[str, list[str]] = {name: [] for name in classes}
    with tempfile.TemporaryDirectory() as folder:
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
        for name in classes:
            for keyword in keywords:
                try:
                    getattr(transformers, name).from_pretrained(folder, **{keyword: GIVEN.get(keyword)})
                except TypeError:
                    found[name].append(keyword)
    return found


def compare(call: str) -> dict[str, object]:
    """What differs for one class or function; empty when nothing does."""
    module, _, name = call.rpartition(".")
    target = getattr(importlib.import_module(module), name)
    real = inspect.signature(target).parameters
    ours = LIBRARY.signature(call)
    found: dict[str, object] = {}
    expected = [item for item in real.values() if item.kind not in NAMED]
    if [item.name for item in expected] != [item.name for item in ours.arguments]:
        found["order"] = [[item.name for item in expected], [item.name for item in ours.arguments]]
    found["open"] = ours.open != any(item.kind is inspect.Parameter.VAR_KEYWORD for item in real.values())
    owners = LIBRARY.owners(ours.origin)
    for argument in ours.arguments:
        said = default_of(target, real.get(argument.name))
        if said not in evaluated(argument.default, owners.get(argument.name, ours.origin)):
            found[argument.name] = [said, argument.default]
        keyword_only = argument.name in real and real[argument.name].kind is inspect.Parameter.KEYWORD_ONLY
        if keyword_only != argument.keyword_only:
            found[f"{argument.name} keyword-only"] = keyword_only
    return {key: value for key, value in found.items() if value}


def default_of(target: object, parameter: inspect.Parameter | None) -> str:
    if parameter is None:
        return "no such parameter"
    if dataclasses.is_dataclass(target):
        field = next((field for field in dataclasses.fields(target) if field.name == parameter.name), None)
        if field is not None and field.default_factory is not dataclasses.MISSING:
            return shown(field.default_factory())
    return "required" if parameter.default is parameter.empty else shown(parameter.default)


def evaluated(source: str | None, origin: str) -> list[str]:
    """The default's source text, evaluated where it is written; `a or b` is a choice that the class makes at import."""
    if source is None:
        return ["required"]
    space = vars(importlib.import_module(origin.partition(":")[0]))
    parsed = ast.parse(source, mode="eval").body
    choices = [ast.unparse(value) for value in parsed.values] if isinstance(parsed, ast.BoolOp) else [source]
    return [shown(eval(choice, dict(space))) for choice in choices]  # noqa: S307 - the libraries' own defaults


def shown(value: object) -> str:
    return f"{type(value).__name__} {value!r}".partition(" at 0x")[0]


def names(package: str) -> dict[str, list[str]]:
    """Names that only the one or the other side knows. Lazy modules know theirs without importing; what we have more is tried."""
    module = importlib.import_module(package)
    ours = set(LIBRARY.releases[package].names(package))
    real = {name for name in dir(module) if name.isidentifier() and not name.startswith("_")} - {"DummyObject"}
    return {"not indexed": sorted(real - ours), "not there": sorted(name for name in ours - real if not there(package, name))}


def there(package: str, name: str) -> bool:
    try:
        exec(f"from {package} import {name}", {})
    except ImportError:
        return importlib.util.find_spec(f"{package}.{name}") is not None
    return True


if __name__ == "__main__":
    main()
