import subprocess
import sys

import pytest

from kifabrik.core.errors import Conflict
from kifabrik.workbench import lease

HOLD = """
import sys, time
from pathlib import Path
from kifabrik.workbench import lease
with lease.hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path) -> None:
    path = tmp_path / "run" / ".lease"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        with pytest.raises(Conflict, match=f"in use by process {holder.pid} on"), lease.hold(path):
            pass
    finally:
        holder.kill()
        holder.communicate()

    with lease.hold(path):
        assert "process" in path.read_text()
