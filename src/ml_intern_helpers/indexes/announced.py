"""Finds the deprecations that a library announces for one call: of own and inherited arguments, and of dropped ones."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.indexes.pretrained import keeps_anything
from ml_intern_helpers.indexes.records import HANDLERS, HANDLERS_MODULE, Announced, ClassRecord
from ml_intern_helpers.indexes.signatures import Library, Signature


class Deprecation(NamedTuple):
    """One announced deprecation that concerns a call.

    Attributes:
        announced: the deprecation as the release announces it.
        label: the release that announces it (`transformers 5.23.0`).
        ignored: the argument is already dropped, so passing it has no effect.
    """

    announced: Announced
    label: str
    ignored: bool = False

    @property
    def when(self) -> str:
        """When it will be removed: `to be removed in transformers 6`, or `to be removed` where no release is named."""
        package, _, version = self.label.partition(" ")
        if not self.announced.until:
            return "to be removed"
        if "-" in self.announced.until:
            return f"to be removed after {self.announced.until}"
        late = _numbers(self.announced.until) <= _numbers(version)
        return f"{'its removal was announced for' if late else 'to be removed in'} {package} {self.announced.until}"

    def concerns(self, value: object) -> bool:
        """Whether it applies to an argument with this (known) value."""
        return not self.announced.value or ast.literal_eval(self.announced.value) == value


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def announced_of(library: Library, signature: Signature) -> list[Deprecation]:
    """Every deprecation announced for the class, function or method with this signature."""
    module, _, path = signature.origin.partition(":")
    owner, _, method = path.partition(".")
    if method:
        line = library.line(f"{module}:{owner}")
        holder = next((holder for holder, record in line if method in record.methods), f"{module}:{owner}")
        announced = _of_origin(library, f"{holder}.{method}")
        base = library.origin("transformers.PreTrainedModel")
        handed_on = base is not None and module.startswith("transformers.") and path.endswith(".from_pretrained")
        if handed_on and not keeps_anything(signature.origin.removesuffix(".from_pretrained")):
            # `AutoModelForCausalLM.from_pretrained` passes its keywords on to that of the model class.
            announced += _of_origin(library, f"{base}.from_pretrained")
        return announced + _dropped(library, signature)
    announced = _of_origin(library, signature.origin)
    if not isinstance(library.record(signature.origin), ClassRecord):
        return announced + _dropped(library, signature)
    for ancestor, _ in list(library.line(signature.origin))[1:]:  # the deprecation of a class does not concern its subclasses
        announced += [each for each in _of_origin(library, ancestor) if each.announced.name]
    return announced


def _of_origin(library: Library, origin: str) -> list[Deprecation]:
    release = library.release_of(origin)
    return [Deprecation(entry, f"{release.package} {release.version}") for entry in release.deprecated(origin)] if release else []


def _dropped(library: Library, signature: Signature) -> list[Deprecation]:
    """The deprecations of arguments that huggingface_hub's decorator still accepts, but drops."""
    if not (signature.popped and signature.origin.startswith("huggingface_hub.")):
        return []
    announced = [each for handler in HANDLERS for each in _of_origin(library, f"{HANDLERS_MODULE}:{handler}")]
    return [each._replace(ignored=True) for each in announced if each.announced.name in signature.popped]
