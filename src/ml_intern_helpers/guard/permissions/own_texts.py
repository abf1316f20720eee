"""Which Read calls need no permission prompt: the skill's own references and recipes.

They lie outside the user's project, so the client asks before each one, and in `claude -p` refuses: a skill that was
activated without any permission could then not open the pages it routes to.
"""

from __future__ import annotations

import os

from ml_intern_helpers.guard.permissions.helper_calls import plugin_root

_FOLDERS = ("references", "recipes")
_KINDS = (".md", ".py")
#: What the client's Read tool may carry: which lines, nothing that changes what is read.
_INPUT = frozenset({"file_path", "offset", "limit"})


def allows(tool_input: dict[str, object]) -> bool:
    """Whether a Read call with this input opens a text of this plugin's skill, symlinks resolved."""
    path = tool_input.get("file_path")
    if not isinstance(path, str) or not tool_input.keys() <= _INPUT or not os.path.isabs(path):
        return False
    real = os.path.realpath(path)
    folder, name = os.path.split(real)
    skill = os.path.join(plugin_root(), "skills", "ml-intern")
    return folder in {os.path.join(skill, own) for own in _FOLDERS} and name.endswith(_KINDS) and os.path.isfile(real)
