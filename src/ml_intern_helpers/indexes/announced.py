"""What the releases of a library announce of one call: its own arguments, inherited ones, and those that a decorator drops."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.indexes.pretrained import keeps_anything
from ml_intern_helpers.indexes.records import Announced, ClassRecord
from ml_intern_helpers.indexes.signatures import Library, Signature

#: The module of huggingface_hub's decorator that translates or drops arguments, and what the decorator calls: the first up to
#: release 0.36, the second since.
HANDLERS_MODULE = "huggingface_hub.utils._validators"
HANDLERS = ("smoothly_deprecate_use_auth_token", "smoothly_deprecate_legacy_arguments")


class Going(NamedTuple):
    """One announcement as it concerns a call.

    Attributes:
        told: what the release says.
        label: the release that says it (`transformers 5.23.0`).
        ignored: it is dropped now: writing it has no effect.
    """

    told: Announced
    label: str
    ignored: bool = False

    @property
    def when(self) -> str:
        """`to be removed in transformers 6`, or `to be removed` where the text names no release."""
        package, _, version = self.label.partition(" ")
        if not self.told.until:
            return "to be removed"
        if "-" in self.told.until:
            return f"to be removed after {self.told.until}"
        late = _numbers(self.told.until) <= _numbers(version)
        return f"{'its removal was announced for' if late else 'to be removed in'} {package} {self.told.until}"

    def concerns(self, value: object) -> bool:
        """Whether it is about an argument of this (known) value."""
        return not self.told.value or ast.literal_eval(self.told.value) == value


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def announced_of(library: Library, signature: Signature) -> list[Going]:
    """Everything announced of the class, function or method with this signature."""
    module, _, path = signature.origin.partition(":")
    owner, _, method = path.partition(".")
    if method:
        line = library.line(f"{module}:{owner}")
        holder = next((holder for holder, record in line if method in record.methods), f"{module}:{owner}")
        found = _of_origin(library, f"{holder}.{method}")
        base = library.origin("transformers.PreTrainedModel")
        handed_on = base is not None and module.startswith("transformers.") and path.endswith(".from_pretrained")
        if handed_on and not keeps_anything(signature.origin.removesuffix(".from_pretrained")):
            # `AutoModelForCausalLM.from_pretrained` passes its keywords to the model class's.
            found += _of_origin(library, f"{base}.from_pretrained")
        return found + _dropped(library, signature)
    found = _of_origin(library, signature.origin)
    if not isinstance(library.record(signature.origin), ClassRecord):
        return found + _dropped(library, signature)
    for ancestor, _ in list(library.line(signature.origin))[1:]:  # its own farewell is not its children's
        found += [going for going in _of_origin(library, ancestor) if going.told.name]
    return found


def _of_origin(library: Library, origin: str) -> list[Going]:
    release = library.release_of(origin)
    return [Going(one, f"{release.package} {release.version}") for one in release.deprecated(origin)] if release else []


def _dropped(library: Library, signature: Signature) -> list[Going]:
    """huggingface_hub's decorator takes some names that no function has any more."""
    if not (signature.popped and signature.origin.startswith("huggingface_hub.")):
        return []
    all_ = [going for handler in HANDLERS for going in _of_origin(library, f"{HANDLERS_MODULE}:{handler}")]
    return [going._replace(ignored=True) for going in all_ if going.told.name in signature.popped]
