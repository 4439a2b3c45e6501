"""A small piece of work for several processes: they add up their ranks over the network and write what they found."""

import os
from pathlib import Path

import torch
from torch import distributed


def main() -> None:
    """Sum 1 for each process over all of them."""
    distributed.init_process_group("gloo")
    total = torch.ones(1)
    distributed.all_reduce(total)
    rank = distributed.get_rank()
    Path(f"rank-{rank}").write_text(f"{int(total.item())} {os.environ['SLURMD_NODENAME']}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
