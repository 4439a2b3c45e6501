"""The command that starts one training process for each accelerator, on one machine or on many.

Knows the words of the starter, which is torchrun's library with our exit codes, not the program it starts. Standard
library only.
"""

from kifabrik.core.errors import InvalidInput

STARTER = "kifabrik.workbench.together"
_SHORTEST = 3  # interpreter, -m, module


def distribute(
    command: tuple[str, ...],
    *,
    nodes: int,
    processes_per_node: int,
    rendezvous: str = "",
    job_id: str = "",
    local_address: str = "",
) -> tuple[str, ...]:
    """Turn `python -m module ...` into the command that each machine runs, the same on all of them.

    `rendezvous` is the host:port of the first machine, needed with more than one; `job_id` keeps two jobs apart that
    meet at one address; `local_address` names this machine where its host name does not resolve. One process in all
    needs no starter, and the command stays as it is. A process that dies ends all: the run resumes from its
    checkpoint as a new attempt. Raises InvalidInput for a command that is no Python module.
    """
    if nodes == 1 and processes_per_node == 1:
        return command
    if len(command) < _SHORTEST or command[1] != "-m":
        raise InvalidInput(
            "several processes can only be started for a Python module.",
            where=" ".join(command)[:80],
            remedy="Write the command as: python -m module ...",
        )
    if nodes > 1 and not rendezvous:
        raise InvalidInput("several machines need an address at which they meet.", where="rendezvous")
    words = ["--nodes", str(nodes), "--processes-per-node", str(processes_per_node)]
    if nodes > 1:
        words += ["--rendezvous", rendezvous, "--job-id", job_id or "kifabrik"]
        words += ["--local-address", local_address] if local_address else []
    return (command[0], "-m", STARTER, *words, *command[2:])
