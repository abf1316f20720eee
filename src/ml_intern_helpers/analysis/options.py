"""What is known besides the script's text: the arguments and variables that a launch gives it, and the caller's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.values import Value, computed, default, known, runtime

#: Set by images, launchers and the service: they may be there even when the command line does not set them.
_BY_OTHERS = frozenset({
    "ACCELERATOR", "CPU_CORES", "HOME", "HOSTNAME", "JOB_ID", "LANG", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
    "MASTER_PORT", "MEMORY", "PATH", "PWD", "PYTHONPATH", "RANK", "SHELL", "TERM", "TMPDIR", "USER", "VIRTUAL_ENV", "WORLD_SIZE",
})  # fmt: skip
_BY_OTHERS_BEGINS = ("HF_", "CUDA", "NVIDIA", "NCCL", "UV_", "ACCELERATE_", "OMP_", "TORCH")
_NONE: Mapping[str, Any] = MappingProxyType({})


class ParserOptions(NamedTuple):
    """What fills the dataclasses of a `TrlParser` or `HfArgumentParser`: a config file, and the options of a launch.

    Attributes:
        values: by name.
        hidden: name -> why its value is not known, though it is set.
        unread: why any name may be set (a file that cannot be read), "" when none other is.
        complete: the command line is known: what is named nowhere has its default.
        file: the config file's name, "" when there is none.
        negated: those of `values` that a `--no_name` switches off.
    """

    values: Mapping[str, Any] = _NONE
    hidden: Mapping[str, str] = _NONE
    unread: str = ""
    complete: bool = False
    file: str = ""
    negated: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Every name that is set."""
        return [*self.values, *self.hidden]

    def value(self, name: str) -> Value | None:
        """What the command line or its config file sets, None when neither does."""
        if name in self.hidden:
            return runtime(self.hidden[name])
        return known(self.values[name]) if name in self.values else None

    @property
    def may_set_more(self) -> bool:
        """An option that is not seen may still set what nothing names."""
        return not self.complete or bool(self.unread)

    def over(self, name: str, value: Value) -> Value:
        """The settled `value` of what nothing names: a default where the option `--name` may still be given."""
        return computed(value.value, [default(None, f"--{name}", by_option=True), value]) if self.may_set_more else value


class GivenToScript(NamedTuple):
    """What the script's process starts with. Without a launch nothing is given, and anything may come.

    Attributes:
        arguments: the script's arguments, None when not known (no launch, or `$ARGS` in it).
        environ: variables by name; None as value: set, to something that is not known.
        complete: no other variables are there, but those that images and launchers set.
        options: what the arguments and their config file mean to a `TrlParser` or `HfArgumentParser`.
    """

    arguments: tuple[str, ...] | None = None
    environ: Mapping[str, str | None] = _NONE
    complete: bool = False
    options: ParserOptions = ParserOptions()

    def lacks(self, name: str) -> bool:
        """The variable is certainly not set."""
        by_others = name in _BY_OTHERS or name.startswith(_BY_OTHERS_BEGINS)
        return self.complete and name not in self.environ and (not by_others or name == "HF_TOKEN")


NOTHING_GIVEN = GivenToScript()


class Options(NamedTuple):
    """What the caller of a check knows about the run.

    Attributes:
        python: the interpreter that will run the script; its installed files are then what counts.
        with_: requirements given at the launch (`uv run --with`).
        offline: fetch nothing.
        timeout_s: for fetching one release, or the columns of one dataset.
        progress: called with a line about what takes long.
        project: the requirements of the project around the script count.
        parser_options: the settings in the config file that the user names, None without one.
        column_source: fetches the real columns of the datasets, None when the script alone counts.
    """

    python: str | None = None
    with_: tuple[str, ...] = ()
    offline: bool = True
    timeout_s: float = 180
    progress: Callable[[str], None] = lambda text: None
    project: bool = True
    parser_options: ParserOptions | None = None
    column_source: Callable[[Any], None] | None = None


#: Nothing is known besides the script's own lists, and nothing is fetched.
DEFAULT_OPTIONS = Options()
