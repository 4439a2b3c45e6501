"""Checkpoints: weights, optimiser and random state as safetensors, position as JSON; never pickle, never half written.

A checkpoint is one folder `step-000123`, built beside and renamed into place; the last two are kept, so that a kill or
a full disk while saving leaves the one before it whole. Knows tensors by name, not what they mean.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from kifabrik.core import files
from kifabrik.training.optimisers import Optimiser

KEPT = 2
Tensors = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a phase stands: steps made, seconds and tokens used by all attempts so far, and the last training loss."""

    step: int = 0
    elapsed_seconds: float = 0.0
    tokens: int = 0
    loss: float | None = None


class Checkpoints:
    """The checkpoints of one phase below `folder`; `belongs_to` names recipe and inputs, and others are ignored."""

    def __init__(self, folder: Path, *, belongs_to: str) -> None:
        self._folder = folder
        self._belongs_to = belongs_to

    def save(self, position: Position, *, weights: Mapping[str, Any], optimisers: Sequence[Optimiser]) -> None:
        """Write a checkpoint and drop the ones before the last two; raises Unavailable if the disk is full."""
        final = self._folder / f"step-{position.step:09d}"
        half = self._folder / f".half-{position.step:09d}"
        with files.explain_disk_errors(self._folder):
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
            try:
                self._fill(half, position, weights, optimisers)
                shutil.rmtree(final, ignore_errors=True)
                half.rename(final)
                files.fsync_folder(self._folder)
            except BaseException:
                shutil.rmtree(half, ignore_errors=True)
                raise
        for old in self._find()[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def load(self, *, weights: Mapping[str, Any], optimisers: Sequence[Optimiser]) -> Position:
        """Fill weights and optimisers from the newest whole checkpoint; give its position, or the start."""
        for folder in reversed(self._find()):
            stored = _read(folder)
            if stored is None or stored.belongs_to != self._belongs_to:
                continue
            _copy_into(weights, stored.weights)
            torch.set_rng_state(stored.state.pop("random"))
            for number, optimiser in enumerate(optimisers):
                _restore(optimiser, stored.state, prefix=f"{number}.")
            return stored.position
        return Position()

    def _find(self) -> list[Path]:
        return sorted(self._folder.glob("step-*"))

    def _fill(
        self, folder: Path, position: Position, weights: Mapping[str, Any], optimisers: Sequence[Optimiser]
    ) -> None:
        write_tensors(folder / "weights.safetensors", dict(weights))
        state: Tensors = {"random": torch.get_rng_state()}
        for number, optimiser in enumerate(optimisers):
            state |= _flatten(optimiser, prefix=f"{number}.")
        write_tensors(folder / "state.safetensors", state)
        record = {"belongs_to": self._belongs_to, "position": asdict(position)}
        files.write_text(folder / "position.json", json.dumps(record, indent=2) + "\n")


def write_tensors(path: Path, tensors: Tensors, *, metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, whole or not at all."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    files.write_bytes(path, safetensors.torch.save(whole, metadata=metadata))


def read_tensors(path: Path, *, into: Mapping[str, Any]) -> None:
    """Copy stored tensors into the named parameters of a model; all must be there, and of the same shape."""
    _copy_into(into, safetensors.torch.load_file(path))


@dataclass(frozen=True, slots=True)
class _Stored:
    """A checkpoint as it was read, before anything of it is used."""

    belongs_to: str
    position: Position
    weights: Tensors
    state: Tensors


def _read(folder: Path) -> _Stored | None:
    """Read a checkpoint whole; None if any of it is missing or damaged, so that the one before it is tried."""
    try:
        record = json.loads((folder / "position.json").read_text())
        return _Stored(
            belongs_to=record["belongs_to"],
            position=Position(**record["position"]),
            weights=safetensors.torch.load_file(folder / "weights.safetensors"),
            state=safetensors.torch.load_file(folder / "state.safetensors"),
        )
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
        return None


def _copy_into(weights: Mapping[str, Any], stored: Tensors) -> None:
    with torch.no_grad():
        for name, parameter in weights.items():
            parameter.copy_(stored[name])


def _flatten(optimiser: Optimiser, *, prefix: str) -> Tensors:
    rows = optimiser.state_dict()["state"]
    return {
        f"{prefix}{row}.{name}": torch.as_tensor(value) for row, state in rows.items() for name, value in state.items()
    }


def _restore(optimiser: Optimiser, tensors: Tensors, *, prefix: str) -> None:
    rows: dict[int, Tensors] = {}
    for key in [key for key in tensors if key.startswith(prefix)]:
        row, name = key.removeprefix(prefix).split(".", 1)
        rows.setdefault(int(row), {})[name] = tensors[key]
    optimiser.load_state_dict({"state": rows, "param_groups": optimiser.state_dict()["param_groups"]})
