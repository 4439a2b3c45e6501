"""What the work runs on: cores granted, accelerator, number format. Knows no recipe beyond its hardware part."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kifabrik.core.errors import InvalidInput
from kifabrik.records.recipe import HardwareRecipe
from kifabrik.training.team import share_of_threads

_CGROUP_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True)
class Hardware:
    """The device, the threads, and whether matrix products run in bfloat16."""

    device: str
    threads: int
    uses_bfloat16: bool

    def autocast(self) -> AbstractContextManager[Any]:
        """Compute matrix products in bfloat16 where the processor has instructions for it; weights stay float32."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.uses_bfloat16)


def prepare(recipe: HardwareRecipe) -> Hardware:
    """Choose the device, set the threads of this process and demand deterministic kernels.

    Raises InvalidInput if the recipe asks for an accelerator that is not there.
    """
    has_cuda = torch.cuda.is_available()
    if recipe.device == "cuda" and not has_cuda:
        raise InvalidInput(
            "the recipe asks for device 'cuda', but PyTorch finds no CUDA device here.",
            where="hardware.device",
            remedy="Write 'auto' or 'cpu', or start the run on a node with an accelerator.",
        )
    device = "cuda" if has_cuda and recipe.device != "cpu" else "cpu"
    threads = share_of_threads(min(recipe.threads, granted_cores()) if recipe.threads else granted_cores())
    torch.set_num_threads(threads)
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it in deterministic mode
    # On an accelerator some attention kernels have no deterministic backward pass; there a warning must do.
    torch.use_deterministic_algorithms(mode=True, warn_only=device == "cuda")
    return Hardware(device=device, threads=threads, uses_bfloat16=_has_fast_bfloat16(device))


def granted_cores() -> int:
    """Count the cores this process may use: its affinity, cut by what Slurm granted and by the control group's quota.

    More threads than granted cores burn the grant in spin-waits.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (granted := os.environ.get("SLURM_CPUS_PER_TASK", "")).isdecimal():
        cores = max(1, min(cores, int(granted)))  # a cluster without control groups does not bind what it grants
    try:
        quota, period = _CGROUP_CPU_LIMIT.read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


def processor_name() -> str:
    """Name the processor as the kernel or PyTorch does."""
    return str(torch.cpu.get_capabilities().get("cpu_name") or "unknown")


def _has_fast_bfloat16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
