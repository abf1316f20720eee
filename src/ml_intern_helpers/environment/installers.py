"""Defines the content of each environment, and runs the commands that create it: with uv, or with venv and pip."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Runs one command line; raises BuildFailed on failure.
Run = Callable[[list[str]], None]
#: Variables of the caller's shell that would redirect packages to another place than the environment.
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
#: The plugin's folder. An installed package has none and builds no environment.
ROOT = Path(__file__).resolve().parents[3]
#: The release of uv that is fetched for a machine without uv, which would otherwise get the wrong build of torch.
UV_LOCK = "requirements/uv.lock"


class BuildFailed(Exception):
    """A command of the build failed; `output` is its whole output."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


@dataclass(frozen=True)
class Spec:
    """One environment.

    Attributes:
        name: its name in `launch --env`.
        lock: file with the exact releases, relative to the plugin's folder.
        wanted: file with the direct requirements, if the lock has no hashes and is used as constraints; else None.
        size_gb: the disk space it needs, download included, in 10^9 bytes.
        torch_backend: value of uv's `--torch-backend`; None for the plain wheels.
    """

    name: str
    lock: str
    size_gb: float
    wanted: str | None = None
    torch_backend: str | None = None


def base_python() -> str:
    """The real path of the running Python, because an environment on a link (`/usr/bin/python3`) breaks when it changes."""
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


def find_uv() -> str | None:
    """The path of uv, from PATH or from its installer's folder, as the PATH of a hook is short; None without uv."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path("~/.local/bin").expanduser()))


def make_with_uv(uv: str, folder: Path, run: Run) -> None:
    """Create an empty environment with uv."""
    run([uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", base_python(), str(folder)])


def make_with_venv(folder: Path, run: Run) -> None:
    """Create an environment with pip in it; fails if Python was packaged without `venv` or `ensurepip`."""
    run([base_python(), "-I", "-m", "venv", "--clear", str(folder)])


def install_with_uv(uv: str, spec: Spec, folder: Path, run: Run) -> None:
    """Install with uv, which finds the right build of torch; pip does not."""
    backend = ["--torch-backend", spec.torch_backend] if spec.torch_backend else []
    run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), *backend, *_requirements(spec)])


def install_with_pip(spec: Spec, folder: Path, run: Run) -> None:
    """Install from the index that pip is configured for."""
    run([*_pip(folder), *_requirements(spec)])


def fetch_uv(folder: Path, into: Path, run: Run) -> str:
    """Install uv from the package index into the folder `into`, for one build; returns its path."""
    run([*_pip(folder), "--require-hashes", "--target", str(into), "-r", str(ROOT / UV_LOCK)])
    return str(into / "bin/uv")


def runner(log: Path, cwd: Path) -> Run:
    """A `Run` that appends what commands print to `log` and works in `cwd`, away from the user's project and its settings."""
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    environment |= {"PIP_USER": "0", "UV_HTTP_RETRIES": os.environ.get("UV_HTTP_RETRIES", "1")}

    def run(call: list[str]) -> None:
        process = subprocess.run(
            call,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = process.stdout.decode("utf-8", "replace")
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(call)}\n{output}")
        if process.returncode:
            raise BuildFailed(output)

    return run


def _pip(folder: Path) -> list[str]:
    # --no-compile: compiling all modules takes longer than the download; each is compiled on its first import.
    options = ["--quiet", "--no-input", "--no-compile", "--disable-pip-version-check", "--retries", "2"]
    return [str(folder / "bin/python"), "-I", "-m", "pip", "install", *options]


def _requirements(spec: Spec) -> list[str]:
    """The requirements: hashed pins where the lock has hashes, else the direct ones with the lock as constraints."""
    if spec.wanted:
        return ["-r", str(ROOT / spec.wanted), "-c", str(ROOT / spec.lock)]
    return ["--require-hashes", "-r", str(ROOT / spec.lock)]


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
    """Whether an NVIDIA driver is loaded, or `nvidia-smi` exists (the only sign in WSL)."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
