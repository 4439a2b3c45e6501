import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kifabrik.core.errors import Conflict
from kifabrik.training.stopping import Stopped
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


@pytest.fixture
def first(tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    """A start of the run that works in its folder."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / ".lease")], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    yield holder
    holder.kill()
    holder.communicate()


def test_a_second_start_with_patience_takes_over_when_the_first_ends(tmp_path: Path, first) -> None:
    def end_the_first() -> bool:
        first.kill()
        first.wait()
        return False

    with lease.hold(tmp_path / ".lease", patience_seconds=600, should_stop=end_the_first):
        assert str(first.pid) not in (tmp_path / ".lease").read_text()


def test_a_second_start_that_is_asked_to_stop_waits_no_longer(tmp_path: Path, first) -> None:
    asked = lambda: True  # noqa: E731

    with pytest.raises(Stopped, match=f"still works here: process {first.pid} on"):
        lease.hold(tmp_path / ".lease", patience_seconds=600, should_stop=asked).__enter__()


def test_a_second_start_whose_patience_is_over_asks_for_another_one(tmp_path: Path, first) -> None:
    with pytest.raises(Stopped) as caught:
        lease.hold(tmp_path / ".lease", patience_seconds=0.01).__enter__()

    assert caught.value.exit_code == 75  # not a failure of the work: try again
    assert first.poll() is None
