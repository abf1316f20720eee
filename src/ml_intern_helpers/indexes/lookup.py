"""Finds what a query names, similar names, which keywords `from_pretrained` accepts, and what a library announces to remove."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from ml_intern_helpers.indexes.libraries import PACKAGES
from ml_intern_helpers.indexes.signatures import HANDLERS, HANDLERS_MODULE, Announced, Argument, ClassRecord, Library, Signature

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.removed import Gone


class Found(NamedTuple):
    """Something that a query names and that exists.

    Attributes:
        name: the dotted name as code writes it (`trl.SFTConfig.max_length`).
        kind: `module`, `class`, `function`, `method`, `argument`, `keyword` (taken out of `**kwargs`), or `name` (it exists, but
            its arguments are not indexed).
        origin: the `module:name` that defines it, or the module itself.
        signature: the signature of a class, function or method.
        argument: the record of an argument.
        owner: for an argument, the origin of the class that declares it.
    """

    name: str
    kind: str
    origin: str
    signature: Signature | None = None
    argument: Argument | None = None
    owner: str = ""


def lookup(library: Library, query: str) -> list[Found]:
    """Everything that `query` names: several results when packages share a name, none when it does not exist."""
    head, _, rest = query.partition(".")
    if head in library.releases:
        found = _dotted(library, query)
        return [found] if found else []
    return [found for start in _bare(library, head) if (found := _dotted(library, f"{start}.{rest}" if rest else start))]


def _dotted(library: Library, dotted: str) -> Found | None:
    """What a dotted name refers to: its longest importable prefix, with the rest of the path as attributes of it."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        start = ".".join(parts[:end])
        origin = library.origin(start)
        if origin is None:
            continue
        if end < len(parts):
            rest = parts[end:]
            name, method = ".".join([start, *rest]), library.method(origin, rest[0])
            if len(rest) == 1:
                argument = _argument(library, name, origin, library.signature(origin), rest[0])
                return argument or (Found(name, "method", origin, method) if method else None)
            return _argument(library, name, origin, method, rest[1]) if len(rest) == 2 else None
        if ":" not in origin:
            return Found(start, "module", origin)
        signature = library.signature(origin)
        is_class = isinstance(library.record(origin), ClassRecord)
        kind = "name" if signature is None else "class" if is_class else "function"
        return Found(start, kind, origin, signature)
    return None


def _argument(library: Library, name: str, origin: str, signature: Signature | None, wanted: str) -> Found | None:
    for argument in signature.arguments if signature else ():
        if argument.name == wanted:
            owner = library.owners(origin).get(wanted, origin)
            return Found(name, "argument", origin, None, argument, owner)
    if signature is not None and wanted in taken(library, name.rpartition(".")[0], signature):
        return Found(name, "keyword", origin, None, Argument(wanted, keyword_only=True), origin)
    return None


def taken(library: Library, call: str, signature: Signature) -> frozenset[str]:
    """The names that a call takes out of its `**kwargs`; for `from_pretrained`, also those of what it passes them on to."""
    if call.endswith(".from_pretrained"):
        return known_names(library, call.removesuffix(".from_pretrained")) | signature.popped
    return signature.popped


def _bare(library: Library, name: str) -> list[str]:
    """The dotted names for a bare one: those of the packages themselves, else those of other public modules.

    There is one name per origin, the shortest; a name that a package re-exports from another one counts for the latter.
    """
    releases = [library.releases[package] for package in PACKAGES if package in library.releases]
    dotted = [f"{release.package}.{name}" for release in releases if name in release.names(release.package)]
    by_origin: dict[str, str] = {}
    for path in sorted(dotted or _elsewhere(library, name), key=lambda path: (path.count("."), path)):
        origin = library.origin(path) or path
        if library.release_of(origin) is not None:
            by_origin.setdefault(origin, path)
    own = [path for origin, path in by_origin.items() if origin.partition(".")[0].partition(":")[0] == path.partition(".")[0]]
    return own or list(by_origin.values())


def _elsewhere(library: Library, name: str) -> Iterator[str]:
    for release in library.releases.values():
        for module in release.modules():
            target = release.names(module).get(name) if is_public(module) else None
            if target and library.release_of(target) is release:
                yield f"{module}.{name}"


def is_public(module: str) -> bool:
    """Whether no part of the module path is private, a test or a command."""
    return not any(part.startswith("_") or part in ("tests", "testing_utils", "commands", "cli") for part in module.split("."))


_MOST = 5


def similar_names(library: Library, query: str) -> list[str]:
    """Existing names similar to `query`, best first: arguments or members when the part before the last dot exists."""
    head, _, last = query.rpartition(".")
    if head:
        signature, release = library.signature(head), library.release_of(head)
        members = list(release.names(head)) if release else []
        close_names = similar(last, [argument.name for argument in signature.arguments] if signature else members)
        if close_names:
            return [f"{head}.{name}" for name in close_names]
    # Otherwise, suggest public names of the packages.
    pool = {other: package for package in reversed(library.releases) for other in library.releases[package].names(package)}
    return [f"{pool[other]}.{other}" for other in similar(last, list(pool))]


def similar(name: str, pool: list[str]) -> list[str]:
    """Up to five names of `pool`: those that differ only in case or underscores, then those that share most letters."""
    plain = name.replace("_", "").lower()
    same = [other for other in pool if other.replace("_", "").lower() == plain and other != name]
    candidates = [other for other in pool if abs(len(other) - len(name)) <= max(3, len(name) // 3) and not other.startswith("_")]
    import difflib

    return list(dict.fromkeys([*same, *difflib.get_close_matches(name, candidates, n=_MOST, cutoff=0.72)]))[:_MOST]


def called(library: Library, call: str) -> Signature | None:
    """The signature of a class's constructor, a function, or a method, including inherited ones."""
    owner, _, method = call.rpartition(".")
    return library.signature(call) or (library.method(owner, method) if owner else None)


def offered(library: Library, dotted: str) -> bool:
    """Whether a dotted name exists: `trl.SFTConfig`, `trl.SFTTrainer.train`, `trl.SFTConfig.max_length`, inherited ones too."""
    if library.origin(dotted) is not None or called(library, dotted) is not None:
        return True
    head, _, last = dotted.rpartition(".")
    signature = called(library, head)
    return signature is not None and (last in signature.names or _keeps_anything(library, head))


def _keeps_anything(library: Library, call: str) -> bool:
    """Whether a dataclass keeps any keyword as an attribute, as model configurations do since transformers 5.4."""
    line = (record for _, record in library.line(library.origin(call) or ""))
    record = next((record for record in line if record.init is not None), None)
    if record is None or record.init is None or not record.fields:
        return False
    return record.init.open and record.init.arguments == tuple(field._replace(keyword_only=True) for field in record.fields)


#: The last words of the names of classes that keep unknown keywords.
_KEEPERS = ("Config", "Tokenizer", "TokenizerFast", "TokenizerBase", "Processor", "ProcessorFast", "FeatureExtractor", "Backend")
_BASE = "transformers.PreTrainedModel"
_GATHERED = ("transformers.PreTrainedModel", "transformers.PreTrainedConfig", "transformers.AutoConfig")


class Keyword(NamedTuple):
    """How `from_pretrained` treats one keyword.

    A keyword that it does not accept reaches the model's constructor, which fails.

    Attributes:
        state: `legal`; `config` (a field of some models' configurations, legal if this model has it); `kept` (tokenizers,
            processors and configurations accept anything); `removed` (accepted by older releases, now a TypeError); `doubtful`.
        gone: for `removed`, since when, and what to write instead.
    """

    state: Literal["legal", "config", "kept", "removed", "doubtful"]
    gone: Gone | None = None


def from_pretrained_keyword(library: Library, dotted: str, keyword: str) -> Keyword:
    """Judge `dotted.from_pretrained(…, keyword=…)`; `dotted` is a class of transformers (`transformers.AutoModelForCausalLM`)."""
    if keyword in known_names(library, dotted):
        return Keyword("legal")
    if dotted.endswith(_KEEPERS):
        return Keyword("kept")
    if not dotted.startswith("transformers."):
        return Keyword("doubtful")
    if library.is_config_field(keyword):
        return Keyword("config")
    from ml_intern_helpers.indexes.removed import gone

    for owner in (f"{dotted}.from_pretrained", f"{_BASE}.from_pretrained", "transformers.PreTrainedConfig"):
        removed = gone(f"{owner}.{keyword}")
        if removed is not None:
            return Keyword("removed", removed)
    return Keyword("doubtful")


def known_names(library: Library, dotted: str) -> frozenset[str]:
    """The keywords that the call accepts: named ones, and those popped by the class or by what it passes keywords on to."""
    own = library.method(dotted, "from_pretrained")
    names = own.names if own else frozenset()
    if not dotted.startswith("transformers.") or dotted.endswith(_KEEPERS):
        return names
    for other in _GATHERED:
        method = library.method(other, "from_pretrained")
        names |= method.names if method else frozenset()
    return names if dotted.rpartition(".")[2].startswith("Auto") else names - {"code_revision"}


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
        if handed_on and not signature.origin.removesuffix(".from_pretrained").endswith(_KEEPERS):
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
