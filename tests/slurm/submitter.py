"""Submits one job in a process of its own: `python -m tests.slurm.submitter FILE [MOMENT]`, and prints its number.

FILE is JSON with the job, the profile and the state folder. MOMENT is `before-noting` for a kill between sbatch's
answer and its note, or `after-looking` to say so and wait for a line before it calls sbatch.
"""

import json
import os
import signal
import sys
from pathlib import Path

from kifabrik.cluster.jobs import JobSpec
from kifabrik.cluster.slurm import executor as slurm_executor
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.cluster.slurm.submissions import Submission, Submissions

BEFORE_NOTING = "before-noting"
AFTER_LOOKING = "after-looking"


class DyingSubmissions(Submissions):
    """Kills its process instead of keeping a job's number."""

    def write(self, submission: Submission) -> None:
        if submission.job_id:
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(submission)


def write_task(path: Path, spec: JobSpec, profile: SiteProfile, state: Path) -> None:
    """Write FILE."""
    job = {name: getattr(spec, name) for name in JobSpec.__dataclass_fields__}
    job |= {"folder": str(spec.folder), "command": list(spec.command), "environment": dict(spec.environment)}
    path.write_text(json.dumps({"job": job, "profile": profile.model_dump(mode="json"), "state": str(state)}))


def main(arguments: list[str]) -> int:
    """Submit the job of a file."""
    task = json.loads(Path(arguments[0]).read_text())
    job = {**task["job"], "folder": Path(task["job"]["folder"]), "command": tuple(task["job"]["command"])}
    executor = SlurmExecutor(SiteProfile.model_validate(task["profile"]), state_folder=Path(task["state"]))
    if arguments[1:] == [BEFORE_NOTING]:
        executor._submissions = DyingSubmissions(Path(task["state"]) / "slurm-jobs")
    if arguments[1:] == [AFTER_LOOKING]:
        slurm_executor.QUEUE_SECONDS = 1e9  # however long the test takes, it has looked
        executor.find(task["job"]["key"])
        sys.stdout.write("looked\n")
        sys.stdout.flush()
        sys.stdin.readline()
    ref = executor.submit(JobSpec(**job))
    sys.stdout.write(f"{ref.job_id}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
