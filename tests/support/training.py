"""The pinned training environment (torch, TRL …), built by `scripts/launch` on first use."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from support.helpers import ROOT


@functools.cache
def training_python() -> Path:
    """The interpreter of the training environment."""
    own = os.environ.get("ML_INTERN_TRAINING_PYTHON")
    if own:
        return Path(own)
    call = [str(ROOT / "scripts/launch"), "--env", "training", "-c", "import sys; print(sys.executable)"]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
