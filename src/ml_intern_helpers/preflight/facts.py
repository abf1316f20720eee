"""Everything a rule may ask about a script, computed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ml_intern_helpers.preflight.agreement import Agreement, agreement_for
from ml_intern_helpers.preflight.columns import UNSEEN, Columns, columns_of
from ml_intern_helpers.preflight.given import NOTHING_GIVEN, ParserOptions
from ml_intern_helpers.preflight.guards import blamable, optional, runs
from ml_intern_helpers.preflight.header import Header, read_header
from ml_intern_helpers.preflight.knowledge.classes import RELEASES, TRANSFORMERS_STYLE
from ml_intern_helpers.preflight.knowledge.jobs import SMOKE_STEPS
from ml_intern_helpers.preflight.mappings import entries_of, keywords_of
from ml_intern_helpers.preflight.names import dotted
from ml_intern_helpers.preflight.objects import Construction, config_of, constructions, loose_assignments
from ml_intern_helpers.preflight.requirements import normal_name
from ml_intern_helpers.preflight.resolve import value_of
from ml_intern_helpers.preflight.script import Script, walk
from ml_intern_helpers.preflight.source import Source
from ml_intern_helpers.preflight.training import Training, recognise
from ml_intern_helpers.preflight.values import Entries, Setting, Value, runtime, unknown

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch.launch import Launch

#: Trainers judged; more are no script that a person wrote, and each costs every rule a look.
MOST_TRAINERS = 50


@dataclass(frozen=True)
class Imported:
    """One imported name: `module` (`trl`), `name` (`SFTConfig`, "" for `import trl`), whether the script can do without."""

    module: str
    name: str
    node: ast.AST
    optional: bool
    blamable: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]


@dataclass(frozen=True)
class Run:
    """A trainer with one config it may run with."""

    trainer: Construction
    config: Construction

    @property
    def tunable(self) -> bool:
        """The settings of transformers.TrainingArguments apply."""
        return self.config.role.library in TRANSFORMERS_STYLE


@dataclass(frozen=True)
class Facts:
    """The script as rules see it; computed by `facts_of`.

    Attributes:
        source, script: text and walked tree, for evidence and for questions about single expressions.
        header: the PEP 723 block; with a launch, as that launch overrides and completes it.
        own_header: the block as it stands in the script.
        mode: `jobs` (ephemeral disk) or `local`.
        training: what trains.
        trainers, configs: what is built; of the trainers the first MOST_TRAINERS.
        runs: trainers with their configs; empty for loops.
        imports: what is imported and not dead.
        loose: attribute -> line, assigned to objects that cannot be followed.
        launch: the command line that starts the script, None when only the script is known.
    """

    source: Source
    script: Script
    header: Header
    mode: str
    training: Training
    trainers: tuple[Construction, ...]
    configs: tuple[Construction, ...]
    runs: tuple[Run, ...]
    imports: tuple[Imported, ...]
    loose: dict[str, int]
    own_header: Header = field(default_factory=Header)
    launch: Launch | None = None

    def setting(self, run: Run, name: str) -> Setting | None:
        """What a run's config says about `name`; None when it is certain that the default holds."""
        found = run.config.entries.items.get(name)
        if found is not None:
            return found
        if name in self.loose:
            return Setting(
                runtime(f"line {self.loose[name]} sets .{name} on an object this file does not build"), run.config.call
            )
        if run.config.entries.open:
            return Setting(unknown(run.config.entries.open), run.config.call)
        if run.config.parsed:
            return Setting(unknown(f"--{name} on the command line decides ({run.config.parsed})"), run.config.call)
        return None

    def value(self, run: Run, name: str, default: object = None) -> Value:
        """Like `setting`, with the library's default for what is not set."""
        if run.config.parsed and not run.config.entries.open and not {name} & {*run.config.entries.items, *self.loose}:
            return Value("default", default, f"--{name}")
        found = self.setting(run, name)
        return found.value if found else Value("known", default)

    def argument(self, made: Construction, name: str) -> Setting | None:
        """What a construction's own call gives as `name`; unknown when more may be given."""
        found = made.entries.items.get(name)
        if found is None and made.entries.open:
            return Setting(unknown(made.entries.open), made.call)
        return found

    @cached_property
    def smoke(self) -> tuple[int, int] | None:
        """(steps, line) when every run has its own step limit of at most SMOKE_STEPS."""
        limits = [self.setting(run, "max_steps") for run in self.runs]
        found = [(limit.value.value, getattr(limit.node, "lineno", 0)) for limit in limits if limit and limit.value.settled]
        short = [(steps, line) for steps, line in found if isinstance(steps, int) and 0 < steps <= SMOKE_STEPS]
        return max(short) if short and len(short) == len(limits) else None

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """Dotted name -> live calls of it."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.script.calls:
            target = dotted(self.script, call.func)
            if target is not None and target.definition is None and runs(self.script, call):
                found.setdefault(target.name, []).append(call)
        return found

    def methods(self, *names: str) -> list[ast.Call]:
        """Live calls of a method by its name, whatever the object."""
        return [
            call
            for call in self.script.calls
            if isinstance(call.func, ast.Attribute) and call.func.attr in names and runs(self.script, call)
        ]

    def calls_ending(self, *endings: str) -> Iterator[tuple[str, ast.Call]]:
        """(dotted name, call) for calls whose last name is one of `endings`."""
        for name, calls in self.calls.items():
            if name.rpartition(".")[2] in endings:
                for call in calls:
                    yield name, call

    def keywords(self, call: ast.Call) -> Entries:
        return keywords_of(self.script, call.keywords)

    def entries(self, expr: ast.expr) -> Entries:
        return entries_of(self.script, expr)

    def constant(self, expr: ast.expr) -> Value:
        return value_of(self.script, expr)

    def blamable(self, node: ast.AST) -> bool:
        return blamable(self.script, node)

    def columns(self, run: Run) -> Columns:
        """The columns of the run's training rows."""
        setting = run.trainer.entries.items.get("train_dataset")
        return columns_of(self.script, setting.node) if setting and isinstance(setting.node, ast.expr) else UNSEEN

    def uses_current(self, library: str) -> bool:
        """The script's own pins leave room for the release the tables know; without pins the newest is installed."""
        wanted = normal_name(library)
        pins = [requirement for requirement in self.header.requirements if requirement.name == wanted]
        return all(pin.admits(RELEASES[library]) for pin in pins)

    @cached_property
    def agreement(self) -> Agreement | None:
        """What the user agreed to, when the project has it on file."""
        return agreement_for(self.source.path)

    def agreed(self, name: str, part: str = "") -> object:
        """One entry of the agreement (`"method"`; `"hub", "model_id"`), None where there is none."""
        if self.agreement is None:
            return None
        return self.agreement.part(name).get(part) if part else self.agreement.values.get(name)

    @cached_property
    def patched_by(self) -> str:
        """A library that replaces TRL's classes on import, so that their arguments are its business."""
        return next((item.top for item in self.imports if item.top == "unsloth"), "")


def facts_of(source: Source, mode: str, launch: Launch | None = None, options: ParserOptions | None = None) -> Facts:
    """Read a script's facts, as `launch` starts it when there is one; `options` are those of the config file named besides.

    Raises:
        Unavailable: it is too intricate to follow.
    """
    own = header = read_header(source)
    given = replace(NOTHING_GIVEN, options=options) if options else NOTHING_GIVEN
    if launch is not None:
        from ml_intern_helpers.preflight.launch.folded import given_to_script, header_of_launch

        header, given = header_of_launch(own, launch), given_to_script(own, launch, options)
    script = walk(source, given)
    made = constructions(script)
    trainers = [one for one in made if one.role.kind == "trainer"]
    configs = [one for one in made if one.role.kind == "config"]
    judged = tuple(trainers[:MOST_TRAINERS])
    return Facts(
        source=source,
        script=script,
        header=header,
        mode=mode,
        training=recognise(script, trainers),
        trainers=judged,
        configs=tuple(configs),
        runs=tuple(Run(trainer, config) for trainer in judged for config in config_of(script, trainer, configs)),
        imports=tuple(_imports(script)),
        loose=loose_assignments(script, made),
        own_header=own,
        launch=launch,
    )


def _imports(script: Script) -> Iterator[Imported]:
    for node in script.imports:
        if not runs(script, node):
            continue
        may_miss, fault = optional(script, node), blamable(script, node, importing=True)
        for alias in node.names:
            if isinstance(node, ast.Import):
                yield Imported(alias.name, "", node, may_miss, fault)
            elif node.level == 0:
                yield Imported(node.module or "", alias.name, node, may_miss, fault)
            else:
                yield Imported("." * node.level + (node.module or ""), alias.name, node, may_miss, fault)
