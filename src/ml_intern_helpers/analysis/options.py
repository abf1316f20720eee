"""What the caller of a check knows or wants besides the script and its launch: the interpreter, releases, the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ml_intern_helpers.analysis.script_inputs import ParserOptions


class Options(NamedTuple):
    """What the caller knows about the run.

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
