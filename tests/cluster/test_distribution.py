"""One process stays as it is; several are started together, and only for a Python module."""

import pytest

from kifabrik.cluster.distribution import distribute
from kifabrik.core.errors import InvalidInput

COMMAND = ("/opt/python", "-m", "kifabrik", "run", "recipe.yaml")


def test_one_process_needs_nothing() -> None:
    assert distribute(COMMAND, nodes=1, processes_per_node=1) == COMMAND


def test_several_processes_on_one_machine_meet_by_themselves() -> None:
    words = distribute(COMMAND, nodes=1, processes_per_node=4)

    assert words[:3] == ("/opt/python", "-m", "kifabrik.workbench.together")
    assert "--rendezvous" not in words
    assert words[words.index("--processes-per-node") + 1] == "4"
    assert words[-3:] == COMMAND[2:]


def test_several_machines_meet_at_the_first() -> None:
    words = distribute(COMMAND, nodes=2, processes_per_node=1, rendezvous="n1:29500", job_id="77")

    assert words[words.index("--rendezvous") + 1] == "n1:29500"
    assert words[words.index("--job-id") + 1] == "77"
    assert words[words.index("--nodes") + 1] == "2"
    assert "--local-address" not in words


def test_several_machines_without_a_meeting_place_are_refused() -> None:
    with pytest.raises(InvalidInput, match="address"):
        distribute(COMMAND, nodes=2, processes_per_node=1)


@pytest.mark.parametrize("command", [("/bin/true",), ("/bin/sh", "-c", "exit 1"), ("python", "-m")])
def test_a_command_that_is_no_module_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="Python module"):
        distribute(command, nodes=1, processes_per_node=2)
