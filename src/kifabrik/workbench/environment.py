"""With what the work is done: interpreter, machine, threads, package versions. Knows no run."""

import platform
from importlib import metadata

from kifabrik.records.run_manifest import Environment
from kifabrik.training.hardware import Hardware, processor_name

RECORDED = ("kifabrik", "torch", "transformers", "tokenizers", "peft", "safetensors", "numpy", "pyarrow", "pydantic")


def describe(hardware: Hardware) -> Environment:
    """Describe this process for the manifest."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        processor=processor_name(),
        threads=hardware.threads,
        device=hardware.device,
        packages=dict(_versions()),
    )


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in RECORDED:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue  # an environment may leave out what its recipes do not need
    return found
