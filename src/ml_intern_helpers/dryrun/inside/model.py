"""Replaces pretrained weights by a small random model of the same architecture, tokenizer and vocabulary.

The shrunk model is saved as a checkpoint, and the library's own `from_pretrained` loads it: heads, adapters, generation settings
and every error of loading are the library's.
"""

from __future__ import annotations

import copy
import os
from typing import Any

from ml_intern_helpers.dryrun.inside import files
from ml_intern_helpers.dryrun.inside.events import Run, emit, substitute

#: Parameters up to which a model is used as it is.
SMALL = 12_000_000
#: Bytes of weight files up to which a local model is used as it is.
SMALL_FILES = 60_000_000
#: A configuration's attribute -> the size it gets. Sizes that agree with each other: hidden 64 = 4 heads of 16.
_SIZES: dict[str, int] = {
    **dict.fromkeys(("hidden_size", "n_embd", "d_model", "dim", "embed_dim", "width"), 64),
    **dict.fromkeys(("intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim", "mlp_dim", "ffn_hidden_size"), 128),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "shared_expert_intermediate_size"), 128),
    **dict.fromkeys(
        ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads", "decoder_attention_heads"), 4
    ),
    **dict.fromkeys(("head_dim", "d_kv", "v_head_dim", "global_head_dim"), 16),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank"), 32),
    **dict.fromkeys(("moe_intermediate_size", "expert_ffn_hidden_size"), 32),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "top_k_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group", "n_shared_experts"), 1),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads"), 2),
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 16),
    **dict.fromkeys(("embedding_size", "word_embed_proj_dim", "hidden_size_per_layer_input"), 64),
    **dict.fromkeys(("out_hidden_size", "projection_dim", "d_inner"), 64),
}
_LAYERS = (
    "num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers", "decoder_layers", "num_decoder_layers", "depth",
)  # fmt: skip
_KEY_VALUE_HEADS = ("num_key_value_heads", "n_head_kv", "num_kv_heads", "num_global_key_value_heads")
_WEIGHTS = (".safetensors", ".bin", ".pt")


class CannotShrink(Exception):
    """No small model of this architecture could be made."""


def patch(module: Any) -> None:
    """Make every `from_pretrained` of `transformers.modeling_utils` load the shrunk model."""
    base = module.PreTrainedModel
    original = base.from_pretrained.__func__
    from_config = base._from_config.__func__

    def from_pretrained(cls: Any, /, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        kwargs, quantized = _on_cpu(kwargs)
        name = files.written(name)
        if name is None or kwargs.get("state_dict") is not None or _used_as_it_is(str(name)):
            return _marked(original(cls, name, *args, **kwargs), quantized)
        folder = _shrunk_checkpoint(cls, str(name), kwargs, from_config)
        if folder is None:
            return _marked(original(cls, name, *args, **kwargs), quantized)
        if kwargs.get("config") is not None and not isinstance(kwargs["config"], (str, os.PathLike)):
            kwargs["config"] = shrink(kwargs["config"], Run.ladder[str(name)])
        for option in ("revision", "subfolder", "variant", "use_safetensors", "cache_dir", "force_download"):
            kwargs.pop(option, None)
        model = original(cls, folder, *args, **kwargs)
        model = model[0] if isinstance(model, tuple) else model
        model.name_or_path = model.config._name_or_path = str(name)
        return _marked(model, quantized)

    def small_from_config(cls: Any, /, config: Any, **kwargs: Any) -> Any:
        kwargs, quantized = _on_cpu(kwargs)
        if _parameters_of(config) > SMALL and not getattr(config, "_dry_run", False):
            substitute("model", f"{type(config).__name__} built by the script is shrunk: same architecture, random weights")
            config = shrink(config, 0)
        return _marked(from_config(cls, config, **kwargs), quantized)

    files.patch_saving(base)
    base.from_pretrained, base._from_config = classmethod(from_pretrained), classmethod(small_from_config)


def _on_cpu(kwargs: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The arguments without what needs a GPU, and the quantization that was asked for."""
    kwargs = dict(kwargs)
    for option in ("device_map", "max_memory", "offload_folder", "tp_plan", "tp_size", "low_cpu_mem_usage"):
        if kwargs.pop(option, None) is not None:
            substitute("place", f"{option} is left out")
    attention = kwargs.pop("attn_implementation", None)
    if attention in ("eager", "sdpa"):
        kwargs["attn_implementation"] = attention
    elif attention is not None:
        substitute("place", f"attn_implementation={attention!r} becomes sdpa: the kernel is not tried")
    config = kwargs.pop("quantization_config", None)
    quantized = None
    if config is not None:
        four = config.get("load_in_4bit") if isinstance(config, dict) else getattr(config, "load_in_4bit", False)
        quantized = "4bit" if four else "8bit"
        substitute("place", f"{type(config).__name__}: weights stay float32, marked as quantized")
    dtype = kwargs.pop("dtype", None) or kwargs.pop("torch_dtype", None)
    kwargs.pop("torch_dtype", None)
    kwargs["dtype"] = "float32"
    if dtype is not None and "float32" not in str(dtype):
        _check_dtype(dtype)
        substitute("place", f"dtype {dtype} becomes float32")
    return kwargs, quantized


def _check_dtype(dtype: Any) -> None:
    """Refuse a dtype that the library refuses. Raises: ValueError."""
    import torch

    if isinstance(dtype, str) and dtype != "auto" and not isinstance(getattr(torch, dtype, None), torch.dtype):
        raise ValueError(f"dtype={dtype!r} is no torch dtype")


def _used_as_it_is(name: str) -> bool:
    """Whether `name` is a local folder whose weights are small, or that this run has written."""
    if not os.path.isdir(name):
        return False
    files = [os.path.join(name, file) for file in os.listdir(name) if file.endswith(_WEIGHTS)]
    return bool(files) and sum(map(os.path.getsize, files)) <= SMALL_FILES


def _marked(model: Any, quantized: str | None) -> Any:
    """The model with the marks of a quantized one, which trainers and PEFT read to refuse or prepare it."""
    target = model[0] if isinstance(model, tuple) else model
    if quantized and not getattr(target, "is_quantized", False):
        target.is_quantized = True
        setattr(target, f"is_loaded_in_{quantized}", True)
        target.hf_quantizer = _Quantizer()
        target.quantization_method = "bitsandbytes"
    return model


class _Quantizer:
    """What `Trainer` asks of a quantizer before it trains adapters."""

    is_trainable = True
    is_qat_trainable = False
    is_compileable = False
    quantization_config = None

    def is_serializable(self, *args: Any, **kwargs: Any) -> bool:
        return True

    def get_state_dict_and_metadata(self, model: Any, *args: Any, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        return None, {}


def _shrunk_checkpoint(cls: Any, name: str, kwargs: dict[str, Any], from_config: Any) -> str | None:
    """The folder of the shrunk checkpoint of a model; None when the model is small already."""
    from transformers import AutoConfig

    folder = os.path.join(Run.scratch, "models", name.strip("/").replace("/", "--"))
    if os.path.isdir(folder):
        return folder
    hub: dict[str, Any] = {
        key: kwargs[key] for key in ("revision", "token", "subfolder", "trust_remote_code", "cache_dir") if key in kwargs
    }
    config = AutoConfig.from_pretrained(name, **hub)
    real = _parameters_of(config)
    if real <= SMALL and not os.path.isdir(name):
        return None
    emit("model", name=name, parameters=real, architecture=(config.architectures or [type(config).__name__])[0])
    model = None
    for rung in range(3):
        try:
            small = shrink(config, rung)
            model = _build(cls, small, from_config)
            _try_forward(model)
            break
        except Exception as err:  # the next rung keeps more of the real sizes
            reason, model = f"{type(err).__name__}: {err}", None
    if model is None:
        raise CannotShrink(f"{name}: no small model of {type(config).__name__} could be made ({reason[:200]})")
    Run.ladder[name] = rung
    model.save_pretrained(folder)
    _keep_generation_config(name, folder, hub)
    size = sum(parameter.numel() for parameter in model.parameters())
    layers = getattr(small.get_text_config(), "num_hidden_layers", "few")
    substitute(
        "model", f"{name}: about {_millions(real)} parameters -> {_millions(size)}, random, {layers} layers, real vocabulary"
    )
    return folder


def _millions(number: int) -> str:
    return f"{number / 1e9:.1f}B" if number >= 1e9 else f"{number / 1e6:.1f}M"


def _build(cls: Any, config: Any, from_config: Any) -> Any:
    """The model as its checkpoint has it: the class that the configuration names, else the class that loads it."""
    import torch
    import transformers

    names = config.architectures or []
    owner = getattr(transformers, names[0], cls) if names else cls
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return from_config(owner, config, dtype=torch.float32)


def _try_forward(model: Any) -> None:
    """Let a text model read a few tokens: sizes that do not fit each other show only here."""
    import torch

    if getattr(model, "main_input_name", "") != "input_ids":
        return
    tokens = {"input_ids": torch.arange(1, 9).unsqueeze(0)}
    if getattr(model.config, "is_encoder_decoder", False):
        tokens["decoder_input_ids"] = tokens["input_ids"]
    with torch.no_grad():
        model.eval()(**tokens)


def _keep_generation_config(name: str, folder: str, hub: dict[str, Any]) -> None:
    from transformers import GenerationConfig

    try:
        options = {key: value for key, value in hub.items() if key != "trust_remote_code"}
        GenerationConfig.from_pretrained(name, **options).save_pretrained(folder)
    except (OSError, ValueError):
        return


def _parameters_of(config: Any) -> int:
    """A rough number of parameters, from the sizes in a configuration and its parts."""
    total = 0
    for part in _parts(config):
        size = _first(part, ("hidden_size", "n_embd", "d_model", "dim", "embed_dim")) or 0
        layers = sum(getattr(part, name, 0) or 0 for name in _LAYERS if isinstance(getattr(part, name, 0), int)) or 1
        inner = _first(part, ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim")) or 4 * size
        experts = _first(part, ("num_experts", "num_local_experts", "n_routed_experts")) or 0
        if experts:
            inner = (_first(part, ("moe_intermediate_size",)) or inner) * experts
        total += layers * (4 * size * size + 3 * size * inner) + (getattr(part, "vocab_size", 0) or 0) * size
    return total


def _first(config: Any, names: tuple[str, ...]) -> int | None:
    return next((value for name in names if isinstance(value := getattr(config, name, None), int) and value > 0), None)


def _parts(config: Any) -> list[Any]:
    """A configuration and those inside it: text, vision, audio, encoder, decoder."""
    inner = [getattr(config, name, None) for name in getattr(config, "sub_configs", {})]
    found = [part for item in inner if item is not None for part in _parts(item)]
    if found:
        return found if _first(config, ("num_hidden_layers",)) is None else [config, *found]
    return [config]


def shrink(config: Any, rung: int) -> Any:
    """A copy of a configuration with fewer and narrower layers.

    Args:
        rung: 0 makes layers few and narrow; 1 keeps the real head size; 2 only reduces the layers.
    """
    small = copy.deepcopy(config)
    small._dry_run = True
    for part in _parts(small):
        _reduce_layers(part)
        if rung < 2:
            _narrow(part, keep_heads=rung == 1)
    if getattr(small, "torch_dtype", None) is not None or getattr(small, "dtype", None) is not None:
        small.dtype = "float32"
    if hasattr(small, "quantization_config"):
        del small.quantization_config
    return small


def _reduce_layers(config: Any) -> None:
    """Keep two layers, or one of each type where layers have types."""
    count = max((getattr(config, name, 0) or 0 for name in _LAYERS if isinstance(getattr(config, name, 0), int)), default=0)
    types = getattr(config, "layer_types", None) or []
    kept = sorted({types.index(kind) for kind in types}) if types else [0, 1]
    kept = kept if len(kept) > 1 else [0, 1]
    attributes = {name: value for name, value in vars(config).items() if isinstance(value, (list, tuple)) and len(value) == count}
    for name, value in attributes.items():
        if count > 2:
            setattr(config, name, type(value)(value[index] for index in kept))
    for name in _LAYERS:
        if isinstance(getattr(config, name, None), int):
            _set(config, name, min(getattr(config, name), len(kept)))
    for name in ("first_k_dense_replace", "max_window_layers"):
        if isinstance(getattr(config, name, None), int):
            _set(config, name, min(getattr(config, name), 1))
    if getattr(config, "num_kv_shared_layers", 0):
        _set(config, "num_kv_shared_layers", 0)
    if getattr(config, "deepstack_visual_indexes", None):
        _set(config, "deepstack_visual_indexes", [0])
    if getattr(config, "fullatt_block_indexes", None):
        _set(config, "fullatt_block_indexes", [1])


def _narrow(config: Any, keep_heads: bool) -> None:
    heads = _first(config, ("num_attention_heads", "n_head", "num_heads", "n_heads")) or 1
    width = _first(config, ("hidden_size", "n_embd", "d_model", "dim")) or 64
    real_head = _first(config, ("head_dim", "d_kv")) or max(width // heads, 1)
    wide = 4 * real_head if keep_heads else 64
    for name, size in _SIZES.items():
        value = getattr(config, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > size:
            new = wide if size == 64 and name not in ("hidden_size_per_layer_input",) else size
            _set(config, name, real_head if keep_heads and size == 16 else new)
    if not keep_heads and isinstance(getattr(config, "qk_rope_head_dim", None), int):  # latent attention rotates a part of a head
        _set(config, "head_dim", config.qk_rope_head_dim)
    for name in _KEY_VALUE_HEADS:
        value = getattr(config, name, None)
        if isinstance(value, int):
            _set(config, name, 1 if value == 1 else 4 if value == heads else 2)
    if not keep_heads:
        _scale_rotary(config, real_head)


def _scale_rotary(config: Any, real_head: int) -> None:
    """Multimodal rotary sections and factors per frequency are lists whose sums are half a head: scale them with the head."""
    for holder in ("rope_parameters", "rope_scaling"):
        rope = getattr(config, holder, None)
        for table in [rope, *(rope.values() if isinstance(rope, dict) else ())]:
            if isinstance(table, dict) and isinstance(table.get("mrope_section"), list):
                sections = table["mrope_section"]
                half = max(real_head // 2, 1)
                scaled = [max(1, round(section * 8 / half)) for section in sections]
                scaled[0] += 8 - sum(scaled)
                table["mrope_section"] = scaled
            if isinstance(table, dict):
                for factor in ("short_factor", "long_factor"):
                    if isinstance(table.get(factor), list):
                        table[factor] = table[factor][:8]


def _set(config: Any, name: str, value: Any) -> None:
    try:
        setattr(config, name, value)
    except (AttributeError, NotImplementedError, ValueError):
        return


def patch_adapters(module: Any) -> None:
    """Give an adapter from the Hub the shape of the shrunk model: its configuration is real, its weights are new."""
    owner = module.PeftModel
    files.patch_saving(owner)
    original = owner.from_pretrained.__func__

    def from_pretrained(cls: Any, model: Any, model_id: Any, *args: Any, **kwargs: Any) -> Any:
        if os.path.abspath(str(model_id)).startswith(Run.scratch + os.sep) or not getattr(model.config, "_dry_run", False):
            return original(cls, model, model_id, *args, **kwargs)
        config = module.PeftConfig.from_pretrained(model_id)
        config.inference_mode = not kwargs.get("is_trainable", False)
        substitute("model", f"the adapter {model_id} gets new weights in the shape of the shrunk model")
        return module.get_peft_model(model, config)

    owner.from_pretrained = classmethod(from_pretrained)
