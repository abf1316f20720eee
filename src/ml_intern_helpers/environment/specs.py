"""What each environment consists of, and which build of torch this machine takes."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

#: The plugin's folder. An installed package has none and builds nothing: its installer did.
ROOT = Path(__file__).resolve().parents[3]
#: uv itself, for a machine that has none and would otherwise get the wrong build of torch.
UV_LOCK = "requirements/uv.lock"


@dataclass(frozen=True)
class Spec:
    """One environment.

    Attributes:
        name: what `launch --env` calls it.
        lock: file with the exact releases, relative to the plugin's folder.
        wanted: file with the direct requirements, for an environment whose lock constrains and carries no hashes; else None.
        size_gb: disk it takes, in 10^9 bytes, download included.
        torch_backend: for uv's `--torch-backend`; None takes the plain wheels.
    """

    name: str
    lock: str
    size_gb: float
    wanted: str | None = None
    torch_backend: str | None = None


def spec_of(name: str) -> Spec:
    """The environment called `helpers`, `training` or `test`, for this machine."""
    if name == "helpers":
        return Spec(name, "requirements.lock", size_gb=0.5)
    if name == "test":
        return Spec(name, "requirements/test.lock", size_gb=0.8)
    assert name == "training", name
    backend = torch_backend()
    size = 1.6 if backend == "cpu" or platform.system() == "Darwin" else 7.0
    return Spec(name, "requirements/training.lock", size, "requirements/training.in", backend)


def torch_backend() -> str | None:
    """The build of torch: None (the plain wheel: CUDA on Linux, Metal on macOS), `auto` with an AMD card, else `cpu`."""
    if platform.system() == "Darwin" or has_nvidia_gpu():
        return None
    return "auto" if Path("/dev/kfd").exists() else "cpu"


def has_nvidia_gpu() -> bool:
    """A loaded NVIDIA driver, or `nvidia-smi` (all there is in WSL)."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
