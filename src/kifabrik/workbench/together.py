"""Starts the processes that train one model together, on this machine, and ends them together (torchrun's library).

On several machines each runs this, with the same words; they meet at the first one's address. Unlike the torchrun
command, the exit code of the first process that failed becomes its own, and no traceback covers that process's message.
Knows processes, not what they do.
"""

import argparse
import logging
import os
import signal
import sys
import uuid
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

_ALONE = "localhost:0"


def main(arguments: Sequence[str]) -> int:
    """Start `python -m MODULE ARGUMENTS` once for each process wanted here; returns the exit code of the whole."""
    options = _read(arguments)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # its warnings are about choices that we made
    logging.getLogger("torch").setLevel(logging.CRITICAL)  # the processes themselves say what went wrong
    configuration = LaunchConfig(
        min_nodes=options.nodes,
        max_nodes=options.nodes,
        nproc_per_node=options.processes_per_node,
        run_id=options.job_id or str(uuid.uuid4()),
        role="kifabrik",
        rdzv_backend="c10d",
        rdzv_endpoint=options.rendezvous or _ALONE,
        rdzv_configs={"timeout": options.meet_seconds},
        max_restarts=0,  # an attempt is one start; the next attempt resumes from the checkpoint
        monitor_interval=0.1,
        local_addr=options.local_address or ("localhost" if options.nodes == 1 else None),
    )
    try:
        elastic_launch(configuration, sys.executable)("-m", *options.command)
    except ChildFailedError as error:
        return _exit_code(error)
    except SignalException as error:
        return os.EX_TEMPFAIL if error.sigval in (signal.SIGTERM, signal.SIGINT) else 128 + int(error.sigval)
    except RendezvousError as error:
        where = options.rendezvous or "this machine"
        sys.stderr.write(f"The training processes did not find each other at {where}: {error}\n")
        return os.EX_UNAVAILABLE
    return 0


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kifabrik.workbench.together", description=main.__doc__)
    parser.add_argument("--nodes", type=int, default=1, help="machines that train together")
    parser.add_argument("--processes-per-node", type=int, default=1, help="processes on this machine")
    parser.add_argument("--rendezvous", default="", help="host:port of the first machine")
    parser.add_argument("--job-id", default="", help="keeps two jobs apart that meet at one address")
    parser.add_argument("--local-address", default="", help="name of this machine for the others")
    parser.add_argument("--meet-seconds", type=int, default=600, help="how long machines wait for each other")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="MODULE ...", help="Python module, arguments")
    return parser.parse_args(arguments)


def _exit_code(error: ChildFailedError) -> int:
    """Take the code of the process that failed first; the others were ended because of it."""
    _rank, failure = error.get_first_failure()
    return int(failure.exitcode) if failure.exitcode >= 0 else 128 - int(failure.exitcode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
