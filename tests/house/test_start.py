"""The command line starts fast, because heavy rooms are imported only inside the commands that need them."""

import subprocess
import sys

HEAVY = ["torch", "transformers", "peft", "django", "pyarrow", "numpy", "fastapi", "model_signing", "httpx"]


def test_the_command_line_starts_without_heavy_libraries() -> None:
    code = f"import sys, kifabrik.cli.main; print([name for name in {HEAVY} if name in sys.modules])"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
