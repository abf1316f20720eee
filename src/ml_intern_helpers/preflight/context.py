"""The script context: everything a rule may ask about one script, computed once."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.analysis.api_calls import ApiCall, api_calls
from ml_intern_helpers.analysis.classes import TRANSFORMERS_STYLE
from ml_intern_helpers.analysis.columns import UNSEEN, Columns, columns_of
from ml_intern_helpers.analysis.constructions import (
    Construction,
    Training,
    config_of,
    constructions,
    loose_assignments,
    recognise,
)
from ml_intern_helpers.analysis.evaluate import entries_of, keywords_of, value_of
from ml_intern_helpers.analysis.guards import error_stops_run, optional, runs
from ml_intern_helpers.analysis.header import Header, read_header
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, NOTHING_GIVEN, Options
from ml_intern_helpers.analysis.releases import Offers, Releases
from ml_intern_helpers.analysis.script import Script, beside, walk
from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.analysis.values import Entries, Setting, Value, known, runtime, unknown
from ml_intern_helpers.analysis.values import default as unless_set
from ml_intern_helpers.indexes.jobs import FLAVORS, SMOKE_STEPS
from ml_intern_helpers.indexes.libraries import PACKAGES
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, failed_launch
from ml_intern_helpers.preflight.outcome import unknown as unknown_outcome
from ml_intern_helpers.runs.project_files import task_path

if TYPE_CHECKING:
    from ml_intern_helpers.launches.launch import Launch, ProblemKind
    from ml_intern_helpers.runs.contract import Task

#: The most trainers of one script that the rules examine; more appear only in generated scripts.
MOST_TRAINERS = 50


class Imported(NamedTuple):
    """One imported name.

    Attributes:
        module: `trl`.
        name: `SFTConfig`; "" for `import trl`.
        node: the import statement.
        optional: the script handles its absence (`try: import …`).
        error_stops_run: a failing import would stop the script, because no `try` or version test provides for it.
    """

    module: str
    name: str
    node: ast.AST
    optional: bool
    error_stops_run: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]


class Run(NamedTuple):
    """A trainer with one config it may run with."""

    trainer: Construction
    config: Construction

    @property
    def tunable(self) -> bool:
        """The settings of transformers.TrainingArguments apply."""
        return self.config.role.library in TRANSFORMERS_STYLE


class _Fields(NamedTuple):
    """The fields of a script context, in a base class because a named tuple cannot hold cached properties.

    Attributes:
        source, script: the text and the walked syntax tree, for evidence and for questions about single expressions.
        header: the PEP 723 block; with a launch, combined with the launch's options.
        mode: `jobs` (ephemeral disk) or `local`.
        training: the method by which the script trains, and where.
        trainers, configs: the objects that the script builds; only the first MOST_TRAINERS trainers.
        runs: each trainer with each config that it may get; empty for hand-written training loops.
        imports: the imported names outside dead code.
        loose: attribute -> line of an assignment to an object that cannot be traced.
        offers: the index of the library releases that this run uses.
        own_header: the block as written in the script.
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
    offers: Offers
    own_header: Header = Header()
    launch: Launch | None = None


class ScriptContext(_Fields):
    """One script as the rules see it, built by `read_context`; costly facts are computed on first use."""

    def setting(self, run: Run, name: str) -> Setting | None:
        """The setting `name` of a run's config; None when the default certainly applies."""
        setting = run.config.entries.items.get(name)
        if setting is not None:
            return setting
        if name in self.loose:
            why = f"line {self.loose[name]} sets .{name} on an object this file does not build"
            return Setting(runtime(why), run.config.call)
        if run.config.entries.open:
            return Setting(unknown(run.config.entries.open), run.config.call)
        if run.config.parsed:
            return Setting(unknown(f"--{name} on the command line decides ({run.config.parsed})"), run.config.call)
        return None

    def value(self, run: Run, name: str, default: object = None) -> Value:
        """The value of a setting, or the library's default where it is not set."""
        if run.config.parsed and not run.config.entries.open and not {name} & {*run.config.entries.items, *self.loose}:
            return unless_set(default, f"--{name}", by_option=True)
        setting = self.setting(run, name)
        return setting.value if setting else known(default)

    def argument(self, construction: Construction, name: str) -> Setting | None:
        """The argument `name` of a construction's call; unknown where `**` may contain it, None where it is absent."""
        setting = construction.entries.items.get(name)
        if setting is None and construction.entries.open:
            return Setting(unknown(construction.entries.open), construction.call)
        return setting

    @property
    def flavor(self) -> str | None:
        """The job's hardware flavor, if the header or the launch names one."""
        flavor = (self.header.jobs or {}).get("flavor")
        return flavor if isinstance(flavor, str) else None

    @property
    def hardware(self) -> tuple[int | None, str]:
        """(GPUs, card) of the job; (None, "") where they are not known, and for a run on this machine."""
        return FLAVORS.get(self.flavor or "", (None, "")) if self.mode == "jobs" else (None, "")

    @cached_property
    def smoke(self) -> tuple[int, int] | None:
        """(steps, line) when every run has its own step limit of at most SMOKE_STEPS."""
        limits = [self.setting(run, "max_steps") for run in self.runs]
        settled = [(limit.value.value, getattr(limit.node, "lineno", 0)) for limit in limits if limit and limit.value.settled]
        short = [(steps, line) for steps, line in settled if isinstance(steps, int) and 0 < steps <= SMOKE_STEPS]
        return max(short) if short and len(short) == len(limits) else None

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """Dotted name -> its calls outside dead code."""
        calls: dict[str, list[ast.Call]] = {}
        for call in self.script.calls:
            target = dotted(self.script, call.func)
            if target is not None and target.definition is None and runs(self.script, call):
                calls.setdefault(target.name, []).append(call)
        return calls

    def methods(self, *names: str) -> list[ast.Call]:
        """The calls, outside dead code, of methods with these names on any object."""
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

    def error_stops_run(self, node: ast.AST) -> bool:
        """Whether an error at `node` would stop the run (see `analysis.guards.error_stops_run`)."""
        return error_stops_run(self.script, node)

    def columns(self, run: Run) -> Columns:
        """The columns of the run's training rows."""
        setting = run.trainer.entries.items.get("train_dataset")
        return columns_of(self.script, setting.node) if setting and isinstance(setting.node, ast.expr) else UNSEEN

    def uses_current(self, library: str) -> bool:
        """Whether the run uses the release that the rules' own tables describe."""
        return self.offers.chosen.is_current(library)

    def is_indexed(self, package: str) -> bool:
        """Whether `package` is an indexed library, and not a module of that name beside the script."""
        return package in self._indexed_packages

    @cached_property
    def _indexed_packages(self) -> frozenset[str]:
        return frozenset(package for package in PACKAGES if not beside(self.source.path, package))

    @cached_property
    def api_calls(self) -> list[ApiCall]:
        """The calls, outside dead code, of functions, classes and methods that the index contains."""
        calls = api_calls(self.script, self.offers)
        return [call for call in calls if runs(self.script, call.call) and self.is_indexed(call.name.partition(".")[0])]

    def failed_in_header(self, key: str, message: str, fix: str) -> Outcome:
        """A failure of a `[tool.hf-jobs]` key, placed on its line or, where an option sets it, on the command line."""
        line = self.header.line_with(key, "=")
        return failed(message, fix, line) if line else failed_launch(message, fix, self.header.setting_text(key))

    def launch_problems(self, kind: ProblemKind) -> Outcomes:
        """Failures for the problems of one kind on the command line; none without a launch."""
        for problem in self.launch.problems if self.launch else ():
            if problem.kind == kind:
                yield failed_launch(problem.message, problem.fix, problem.seen, None if problem.certain else "warning")

    def unknown_releases(self, what: str) -> Outcomes:
        """One unknown for each imported package whose release is not known; `what` names what is therefore not judged."""
        imported = dict.fromkeys(item.top for item in self.imports if self.is_indexed(item.top))
        for choice in (self.offers.chosen.choice(package) for package in imported):
            if choice.release is None:
                yield unknown_outcome(f"{what} of {choice.label} are not judged: {choice.why}")

    @cached_property
    def agreement(self) -> Task | None:
        """What the user agreed to: the nearest task file, None where there is none.

        It is beside the script, in the working folder, or in a parent of either up to the repository's root. In a hook,
        CLAUDE_PROJECT_DIR is searched as well, because a command may have changed the working folder.
        """
        project = Path(os.environ.get("CLAUDE_PROJECT_DIR", ""))
        path = task_path(self.source.path.parent, Path(), *([project] if project.is_absolute() else []))
        if path is None:
            return None
        from ml_intern_helpers.runs.contract import read_task

        return read_task(path)

    def agreed(self, name: str, part: str = "") -> object:
        """One entry of the agreement (`"method"`; `"hub", "model_id"`), None where there is none."""
        task = self.agreement
        return task.usable(name, part) if task is not None and task.open else None

    @cached_property
    def patched_by(self) -> str:
        """The imported library that replaces TRL's classes, so that TRL's own signatures do not apply; "" if there is none."""
        return next((item.top for item in self.imports if item.top == "unsloth"), "")


def read_context(source: Source, mode: str, launch: Launch | None = None, options: Options = DEFAULT_OPTIONS) -> ScriptContext:
    """Read a script as `launch` starts it.

    Raises:
        Unavailable: the script is too complex to analyse.
    """
    own = header = block = read_header(source)
    inputs = NOTHING_GIVEN._replace(options=options.parser_options or NOTHING_GIVEN.options)
    if launch is not None:
        from ml_intern_helpers.preflight import launch_context

        header, block = launch_context.header_of_launch(own, launch), launch_context.installed_block(own, launch)
        inputs = launch_context.given_to_script(own, launch, options.parser_options)
        options = launch_context.options_with_launch(options, launch)
    script = walk(source, inputs)
    offers = Offers(Releases(source.path, block, options))
    script.offers = offers.offers_name
    built = constructions(script)
    trainers = [construction for construction in built if construction.role.kind == "trainer"]
    configs = [construction for construction in built if construction.role.kind == "config"]
    examined = tuple(trainers[:MOST_TRAINERS])
    return ScriptContext(
        source=source,
        script=script,
        header=header,
        mode=mode,
        training=recognise(script, trainers),
        trainers=examined,
        configs=tuple(configs),
        runs=tuple(Run(trainer, config) for trainer in examined for config in config_of(script, trainer, configs)),
        imports=tuple(_imports(script)),
        loose=loose_assignments(script, built),
        offers=offers,
        own_header=own,
        launch=launch,
    )


def _imports(script: Script) -> Iterator[Imported]:
    for node in script.imports:
        if not runs(script, node):
            continue
        is_optional, stops_run = optional(script, node), error_stops_run(script, node, importing=True)
        for alias in node.names:
            if isinstance(node, ast.Import):
                yield Imported(alias.name, "", node, is_optional, stops_run)
            else:
                yield Imported("." * node.level + (node.module or ""), alias.name, node, is_optional, stops_run)
