"""Suggests what to write instead of a name or argument that a release does not have."""

from __future__ import annotations

from typing import NamedTuple

from ml_intern_helpers.analysis.releases import Offers
from ml_intern_helpers.indexes.libraries import PACKAGES, shipped
from ml_intern_helpers.indexes.lookup import is_public, offered, similar
from ml_intern_helpers.indexes.removed import Gone, what_became
from ml_intern_helpers.indexes.signatures import Library, Signature


class Advice(NamedTuple):
    """A suggested fix.

    Attributes:
        since: when the name was removed; "" when the comparison of releases does not tell.
        fix: what to do, in one clause.
        existed: an older release had the name.
        rename: the new name that takes the same value; "" when renaming is not enough.
        guess: `fix` only asks whether a similar name was meant.
    """

    since: str
    fix: str
    existed: bool = False
    rename: str = ""
    guess: bool = False

    def release(self, label: str) -> str:
        """`trl 1.16.0; removed in trl 0.12.0, last in 0.11.4`: the release of the run, and when the name was removed."""
        return f"{label}; {self.since}" if self.since else label


def for_argument(offers: Offers, call: str, name: str, signature: Signature) -> Advice:
    """The advice on the argument `name` of `call` (`trl.SFTConfig`), which `signature` does not accept."""
    became = _became(offers, f"{call}.{name}")
    if became and became.hint:
        return _advice(became, became.hint)
    moved = _other_half(offers, call, name)
    if moved:
        return _advice(became, moved)
    new = became.replacement.rpartition(".")[2] if became and became.replacement else ""
    if new in signature.names:
        return _advice(became, f"write {new}=")
    likely = similar(name, sorted(signature.names))
    if became and became.removal:  # for a removed argument, only a near-copy counts as a typo
        likely = [other for other in likely if _alike(name, other)]
    if likely:
        return _advice(became, f"did you mean {' or '.join(f'{other}=' for other in likely[:2])}?", guess=True)
    if became and became.removal:
        return _advice(became, f"delete it: no successor is known; or pin {_pin(became)}")
    package = call.partition(".")[0]
    current = Library(*(shipped(each) for each in PACKAGES))
    if _takes(current, call, name):
        return Advice("", f"{package} {shipped(package).version} accepts it: raise the pin, or delete the argument")
    return Advice("", f"delete it; `api_lookup {call}` lists the valid arguments")


def for_name(offers: Offers, name: str) -> Advice:
    """The advice on a module, class, function or method that does not exist."""
    package, last = name.partition(".")[0], name.rpartition(".")[2]
    became = _became(offers, name) or _became(offers, f"{package}.{last}")
    if became and became.hint:
        return _advice(became, f"instead: {became.hint}")
    elsewhere = _elsewhere(offers, name)
    if elsewhere:
        return _advice(became, _import(offers, elsewhere))
    if became and became.replacement:
        return _advice(became, _import(offers, became.replacement))
    likely = _similar_names(offers, name)
    if likely:
        return _advice(became, f"did you mean {' or '.join(likely)}?", guess=True)
    if became and became.removal:
        return _advice(became, f"no successor is known; pin {_pin(became)} to keep it")
    if package in PACKAGES and Library(shipped(package)).origin(name):
        return Advice("", f"{package} {shipped(package).version} has it: raise the pin")
    return Advice("", f"search for it with `api_lookup --grep {last}`")


def is_misspelt(name: str, signature: Signature) -> bool:
    """Whether the name differs from an existing argument by a letter or two only: `spilt` for `split`."""
    import difflib

    close = difflib.get_close_matches(name, sorted(signature.names), n=1, cutoff=0.85)
    return bool(close) or any(sorted(name) == sorted(other) for other in signature.names)


def _became(offers: Offers, name: str) -> Gone | None:
    """What the removal history says, limited to removals up to this run's release and replacements that it has."""
    became = what_became(offers, name)
    if became is None or offers.is_current(became.name):
        return became
    if became.removal is None or not offers.is_at_least(became.name, became.removal.gone):
        return None
    if became.replacement and not offered(offers, became.replacement):
        return became._replace(replacement=None, hint=None)
    return became


def _advice(became: Gone | None, fix: str, *, guess: bool = False) -> Advice:
    """The advice with `fix`, completed by what the removal history says about the name."""
    if became is None:
        return Advice("", fix, guess=guess)
    since, removal = "", became.removal
    if removal is not None:
        verb = "moved" if removal.why == "moved" or removal.via else "removed"
        since = f"{verb} in {became.name.partition('.')[0]} {removal.gone}, last in {removal.last}"
    rename = (became.replacement or "").rpartition(".")[2] if became.renamed and fix == became.hint else ""
    return Advice(since, fix, True, rename, guess)


def _pin(became: Gone) -> str:
    assert became.removal is not None
    return f"{became.name.partition('.')[0].replace('_', '-')}=={became.removal.last}"


def _import(offers: Offers, replacement: str) -> str:
    module, _, name = replacement.rpartition(".")
    origin = offers.walk(replacement)
    if module and not origin.rest and ":" in origin.origin:
        return f"write from {module} import {name}"
    return f"now {replacement}"


def _other_half(offers: Offers, call: str, name: str) -> str:
    """The fix for a trainer's argument that belongs to its config, or the reverse; "" when neither applies."""
    if call.endswith("Trainer"):
        config = "transformers.TrainingArguments" if call == "transformers.Trainer" else f"{call.removesuffix('Trainer')}Config"
        if _takes(offers, config, name):
            return f"move it into the trainer's own config: args={config.rpartition('.')[2]}({name}=…)"
    elif call.endswith("Config") and _takes(offers, f"{call.removesuffix('Config')}Trainer", name):
        return "pass it to the trainer, not to its config"
    return ""


def _takes(library: Library, call: str, name: str) -> bool:
    signature = library.signature(call) if library.origin(call) else None
    return signature is not None and name in signature.names


def _elsewhere(offers: Offers, name: str) -> str:
    """The shortest path to the same name in another public module of the package; "" when there is none."""
    package, last = name.partition(".")[0], name.rpartition(".")[2]
    release = offers.release_of(package)
    if release is None or "." not in name:
        return ""
    homes = [module for module in release.modules() if is_public(module) and last in release.names(module)]
    homes = [home for home in homes if offers.follow(f"{home}:{last}").startswith((f"{package}.", f"{package}:"))]
    return min((f"{home}.{last}" for home in homes), key=lambda path: (path.count("."), path), default="")


def _similar_names(offers: Offers, name: str) -> list[str]:
    """Up to two names in the same module or class that differ by a letter or two."""
    module, _, last = name.rpartition(".")
    release = offers.release_of(module)
    walked = offers.walk(module)
    if release is None or walked.state != "found":
        return []
    if ":" in walked.origin:
        pool = [method for _, record in offers.line(walked.origin) for method in record.methods]
    else:
        pool = [other for other in release.names(walked.origin) if not other.startswith("_")]
    return [f"{module}.{other}" for other in similar(last, pool) if _alike(last, other)][:2]


def _alike(name: str, other: str) -> bool:
    """Equal except for case, underscores, or a letter or two; ORPOTrainer does not count as a misspelt GRPOTrainer."""
    import difflib

    if name.replace("_", "").lower() == other.replace("_", "").lower():
        return True
    for ending in ("Trainer", "Config", "Callback", "Collator"):
        if name.endswith(ending) and other.endswith(ending):
            name, other = name.removesuffix(ending), other.removesuffix(ending)
            break
    return difflib.SequenceMatcher(None, name, other).ratio() > 0.85
