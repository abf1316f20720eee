"""Reports which parameters train, which moved, and which new tokens never learn."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dryrun.inside import files
from ml_intern_helpers.dryrun.inside.events import emit, finding


class _Added:
    """Tokens that the script added to a vocabulary."""

    tokens = 0


def patch_tokenizer(module: Any) -> None:
    """Count the tokens that the script adds, in `transformers.tokenization_utils_base`, and keep what it saves."""
    base = module.PreTrainedTokenizerBase
    files.patch_saving(base)
    for name in ("add_tokens", "add_special_tokens"):
        original = getattr(base, name)

        def add(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            from ml_intern_helpers.dryrun.inside.events import called_by_script

            number = _original(self, *args, **kwargs)
            if isinstance(number, int) and called_by_script():
                _Added.tokens += number
            return number

        setattr(base, name, add)


def report_trainable(trainer: Any) -> None:
    """Trainable parameters, the modules that an adapter reached, frozen embeddings of new tokens."""
    model = trainer.model
    every = list(model.named_parameters())
    trainable = [(name, parameter) for name, parameter in every if parameter.requires_grad]
    count = sum(parameter.numel() for _, parameter in trainable)
    total = sum(parameter.numel() for _, parameter in every)
    targets = getattr(getattr(model, "base_model", None), "targeted_module_names", None)
    names = sorted({name.rsplit(".", 1)[-1] for name in targets}) if targets else None
    emit("trainable", parameters=count, of=total, adapter_modules=len(targets) if targets else None, targets=names)
    if not count:
        finding(
            "nothing-trains", "error", "no parameter of the model requires a gradient: the run would learn nothing",
            "PeftModel.from_pretrained(..., is_trainable=True) for an adapter that goes on training; else unfreeze parameters",
        )  # fmt: skip
    if _Added.tokens and count and not _new_tokens_train(model):
        finding(
            "new-tokens-frozen", "error", f"{_Added.tokens} added tokens keep random embeddings: the embedding matrix is frozen",
            "LoraConfig(modules_to_save=['embed_tokens', 'lm_head']) trains them with the adapter",
        )  # fmt: skip


def _new_tokens_train(model: Any) -> bool:
    embeddings = model.get_input_embeddings()
    if any(parameter.requires_grad for parameter in embeddings.parameters()):
        return True
    return any("trainable_tokens" in name and parameter.requires_grad for name, parameter in model.named_parameters())


def snapshot(model: Any) -> dict[str, Any]:
    """Copies of the trainable parameters."""
    if model is None:
        return {}
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


def report_moved(trainer: Any, before: dict[str, Any]) -> None:
    """How many trainable parameters changed; none is an error."""
    import torch

    after = dict(trainer.model.named_parameters())
    shared = [name for name in before if name in after and after[name].shape == before[name].shape]
    still = [name for name in shared if torch.equal(before[name], after[name].detach())]
    emit("moved", tensors=len(shared) - len(still), of=len(shared), still=still[:5])
    rate = float(getattr(trainer.args, "learning_rate", 1.0))
    if shared and len(still) == len(shared) and rate > 0 and trainer.state.global_step > 1:
        finding(
            "nothing-moved", "error", "no trainable parameter changed in the first steps", "look at the loss and the optimizer"
        )
