"""How fast jobs reach Slurm through Kifabrik, against bare sbatch on the same private cluster, in the same run.

    .venv/bin/python -m benchmarks.slurm_submission [--starts 200] [--rate 1000] [--rounds 3]

Submit to start: each job alone in an empty queue, bare and ours in turn, until its first line has run.
Rate: jobs that are held, so that only the way into the queue counts; bare sbatch is called one after the other, with
the same script and options. Needs the programs of Slurm.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.jobs import JobSpec
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.cluster.slurm.script import job_script

NUMBERS = count(1)


def make_job(folder: Path, name: str) -> JobSpec:
    """Make a job that writes the moment of its first line."""
    number = next(NUMBERS)
    return JobSpec(
        key=f"{name}-{number}:1",
        run_id=f"{name}-{number}",
        attempt=1,
        command=("date", "+%s.%N"),
        folder=folder / f"{name}-{number}",
        devices=1,
        time_limit_seconds=600,
        account="spare",
    )


def submit_bare(cluster: PrivateCluster, profile: SiteProfile, job: JobSpec, *, is_minimal: bool) -> None:
    """Call sbatch with the same script, or with the least that runs the command."""
    job.folder.mkdir()
    script = job.folder / "script.sh"
    least = "#!/bin/bash\n#SBATCH --gres=gpu:1\ndate +%s.%N\n"
    script.write_text(least if is_minimal else job_script(job, profile))
    words = ["sbatch", "--parsable", f"--output={job.folder / 'job-1.log'}", f"--account={job.account}"]
    words += ["--hold"] if "--hold" in profile.sbatch_options else []
    environment = {**cluster.environment}
    subprocess.run([*words, str(script)], env=environment, stdout=subprocess.DEVNULL, check=True)


def seconds_to_start(submit: Callable[[JobSpec], object], job: JobSpec) -> float:
    """Submit and wait until the job's command has said when it ran."""
    begun_at = time.time()
    submit(job)
    log, until = job.folder / "job-1.log", time.monotonic() + 120
    while True:
        text = log.read_text().strip() if log.exists() else ""
        if text.count(".") == 1 and len(text) > 15:
            return float(text) - begun_at
        if time.monotonic() > until:
            raise TimeoutError(f"{job.key} did not start")
        time.sleep(0.005)


def rate(submit: Callable[[JobSpec], object], jobs: list[JobSpec]) -> float:
    """Submit all and say how many went in one second."""
    begun_at = time.monotonic()
    for job in jobs:
        submit(job)
    return len(jobs) / (time.monotonic() - begun_at)


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kifabrik-benchmark-") as name:
        folder = Path(name)
        with PrivateCluster(folder / "cluster", tied=True) as cluster:
            slurm = Slurm(environment=cluster.environment)
            profile = SiteProfile(executor="slurm", cluster=cluster.name, devices_per_node=4, nodes_max=2)
            measure_starts(cluster, profile, slurm, folder, options.starts)
            held = profile.model_copy(update={"sbatch_options": ("--hold",)})
            for number in range(options.rounds):
                measure_rate(cluster, held, slurm, folder / f"round-{number}", options.rate)


def measure_starts(cluster: PrivateCluster, profile: SiteProfile, slurm: Slurm, folder: Path, starts: int) -> None:
    """Compare the seconds from the call to the job's first line, in turn."""
    executor = SlurmExecutor(profile, state_folder=folder / "state", slurm=slurm)
    bare, ours = [], []
    for _ in range(starts):
        job = make_job(folder, "bare")
        bare.append(seconds_to_start(lambda each: submit_bare(cluster, profile, each, is_minimal=True), job))
        ours.append(seconds_to_start(executor.submit, make_job(folder, "ours")))
    for label, values in (("bare sbatch", bare), ("Kifabrik", ours)):
        cuts = statistics.quantiles(values, n=20)
        print(f"submit to start, {label}: median {cuts[9]:.3f} s, 95 % {cuts[18]:.3f} s, n={len(values)}")
    print(f"submit to start, ratio of medians: {statistics.median(ours) / statistics.median(bare):.2f}")


def measure_rate(cluster: PrivateCluster, profile: SiteProfile, slurm: Slurm, folder: Path, size: int) -> None:
    """Compare submissions a second, and the time that one look at all jobs takes."""
    folder.mkdir()
    executor = SlurmExecutor(profile, state_folder=folder / "state", slurm=slurm)
    jobs = [make_job(folder, "bare") for _ in range(size)]
    bare = rate(lambda each: submit_bare(cluster, profile, each, is_minimal=False), jobs)
    cluster.run("scancel", "--account=spare")
    jobs = [make_job(folder, "ours") for _ in range(size)]
    ours = rate(executor.submit, jobs)
    print(f"{size} submissions: bare {bare:.0f}/s, Kifabrik {ours:.0f}/s, ratio {ours / bare:.2f}", flush=True)
    begun_at = time.monotonic()
    refs = [ref for job in jobs if (ref := executor.find(job.key))]
    for job in jobs:
        executor.find(job.key.replace(":1", ":2"))
        executor.find(job.key.replace(":1", ":3"))
    executor.poll(refs)
    print(
        f"one look at {len(refs)} jobs, with their next two attempts: {time.monotonic() - begun_at:.2f} s", flush=True
    )
    cluster.run("scancel", "--account=spare")


if __name__ == "__main__":
    main()
