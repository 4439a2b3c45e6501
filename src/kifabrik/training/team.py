"""The processes that train one model together, each on its part of every batch (data parallel).

The first one leads: it decides, measures, tells and saves; the others do what it says. Decisions travel over a group
of their own on the processor, so that waiting costs an accelerator nothing. Knows torch.distributed, no model.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed

from kifabrik.core.errors import InvalidInput
from kifabrik.training.decoder import Model

# Followers wait while the leader prepares texts; should it die, whoever started the processes ends them all.
_PATIENCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Team:
    """This process among its fellows; the default is a process that works alone."""

    rank: int = 0
    size: int = 1
    control: Any = None

    @property
    def is_leader(self) -> bool:
        return self.rank == 0

    def wrap(self, model: Model) -> Model:
        """Give the module to compute training losses with: its backward pass averages the gradients of all."""
        if self.size == 1:
            return model
        # Looking for unused weights keeps the order in which gradients are added the same in every step, and so a
        # resumed run equal to an undisturbed one; without it the order changes after the first step.
        return torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)

    def share(self, rows: int) -> slice:
        """Say which rows of a batch are this process's; raises InvalidInput if they cannot be shared evenly."""
        if rows % self.size:
            raise InvalidInput(
                f"{rows} sequences a step cannot be shared evenly among {self.size} processes.",
                where="batch_sequences",
                remedy=f"Write a multiple of {self.size}.",
            )
        each = rows // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def agree(self, values: Sequence[float]) -> tuple[float, ...]:
        """Give all processes the leader's values."""
        if self.size == 1:
            return tuple(values)
        shared = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(shared, src=0, group=self.control)
        return tuple(shared.tolist())

    def add(self, value: float) -> float:
        """Give all processes the sum of their values."""
        if self.size == 1:
            return value
        total = torch.tensor([value], dtype=torch.float64)
        distributed.all_reduce(total, group=self.control)
        return float(total)

    def call(self, word: str) -> None:
        """As the leader: say what the followers do next."""
        if self.size > 1:
            distributed.broadcast_object_list([word], src=0, group=self.control)

    def hear(self) -> str:
        """As a follower: wait for what to do next."""
        heard: list[str] = [""]
        distributed.broadcast_object_list(heard, src=0, group=self.control)
        return heard[0]


ALONE = Team()


def size_here() -> int:
    """Say how many processes were started together, by the words that torchrun leaves in the environment."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank_here() -> int:
    """Say which of them this process is; the first is 0."""
    return int(os.environ.get("RANK", "0"))


def share_of_threads(threads: int) -> int:
    """Cut the threads of a machine by the processes that share it."""
    return max(1, threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


@contextmanager
def join(*, device: str) -> Iterator[Team]:
    """Meet the other processes; alone if there are none. On accelerators each process takes the one of its number."""
    if size_here() == 1:
        yield ALONE
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks of barriers and devices that are not used here
        distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=_PATIENCE)
        control = distributed.new_group(backend="gloo", timeout=_PATIENCE)
    try:
        yield Team(rank=distributed.get_rank(), size=distributed.get_world_size(), control=control)
    finally:
        distributed.destroy_process_group()
