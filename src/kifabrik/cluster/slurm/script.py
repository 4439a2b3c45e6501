"""The job script as text: a pure function of a job and a site profile. Knows what runs on a node, not how it got there.

The script hears every warning (USR1 before the time limit or a pre-emption, TERM at an end, its own clock to the
second) and answers it in one way: it makes the file that KIFABRIK_STOP_FILE names, and waits. Work that saved and
stopped ends with 75, or leaves `<stop file>.saved` where launchers lose exit codes. Then the script says what it means:
124 at the time limit; after another warning it puts the job back into the queue, unless somebody cancelled it. The time
limit holds for all starts of a job together.
"""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from kifabrik.cluster.distribution import distribute
from kifabrik.cluster.jobs import JobSpec
from kifabrik.cluster.slurm.layout import Layout
from kifabrik.cluster.slurm.profile import SiteProfile

EXIT_SAVED = os.EX_TEMPFAIL
EXIT_TIMED_OUT = 124
TASK_LOG = "-%a.log"
TASK = "$SLURM_ARRAY_TASK_ID"
_MEET = "kifabrik-meeting-point"
_HERE = "kifabrik-this-node"
_REQUEUE_SECONDS = 120  # how long a job that put itself back waits for its end


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """A job that runs once for each task 0 to `size` - 1, `throttle` of them at a time (0: as many as fit).

    The words of its command may hold `$SLURM_ARRAY_TASK_ID`; nothing else in them is expanded.
    """

    size: int
    throttle: int = 0


def job_script(spec: JobSpec, profile: SiteProfile, *, array: ArraySpec | None = None) -> str:
    """Write the script of a job that `check_job` accepted."""
    layout = Layout.of(spec, profile)
    parts = (
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in _options(spec, profile, layout, array)),
        "",
        *_environment(spec, profile, array),
        f"cd -- {shlex.quote(str(spec.folder))} || exit 1",
        'rm -f -- "$KIFABRIK_STOP_FILE" "$KIFABRIK_STOP_FILE.saved"',
        _COUNTING,
        *profile.prelude,
        _HEARING.format(limit=spec.time_limit_seconds, warning=warning_seconds(spec, profile)),
        *_meeting(profile, layout),
        f"{_command(spec, profile, layout, array)} &",
        _WAITING.format(grace=spec.grace_seconds, timed_out=EXIT_TIMED_OUT, saved=EXIT_SAVED, requeue=_REQUEUE_SECONDS),
    )
    return "\n".join(parts)


def warning_seconds(spec: JobSpec, profile: SiteProfile) -> int:
    """Say how long before the time limit a job is warned: half its time at most."""
    return min(profile.warning_seconds, spec.time_limit_seconds // 2)


def was_started_twice(folder: Path, attempt: int) -> bool:
    """Say whether a job's script noted the same start twice: a controller that forgot one starts the job again."""
    try:
        starts = (folder / f"stop-{attempt}.starts").read_text().split()
    except OSError:
        return False
    return len(starts) != len(set(starts))


def log_name(spec: JobSpec, array: ArraySpec | None = None) -> str:
    """Name the log of an attempt in the run folder, in Slurm's pattern: one for each task of an array."""
    return f"job-{spec.attempt}{TASK_LOG}" if array else f"job-{spec.attempt}.log"


def _options(spec: JobSpec, profile: SiteProfile, layout: Layout, array: ArraySpec | None) -> Iterator[str]:
    yield f"--nodes={spec.nodes}"
    yield "--ntasks-per-node=1"
    yield f"--cpus-per-task={layout.cpus_per_node}"
    if profile.tres != "cpu":
        yield f"--gres={profile.gres}:{layout.devices_per_node}"
    if layout.memory_per_node:
        yield f"--mem={layout.memory_per_node}"
    yield f"--time={ceil(spec.time_limit_seconds / 60)}"  # Slurm knows whole minutes
    yield f"--signal=B:USR1@{max(1, warning_seconds(spec, profile))}"
    yield "--requeue"
    yield "--open-mode=append"
    if array:
        yield f"--array=0-{array.size - 1}" + (f"%{array.throttle}" if array.throttle else "")
    for name, value in (("partition", profile.partition), ("account", spec.account), ("qos", profile.qos)):
        if value:
            yield f"--{name}={value}"
    yield from profile.sbatch_options


def _environment(spec: JobSpec, profile: SiteProfile, array: ArraySpec | None) -> Iterator[str]:
    for name, value in {**profile.environment, **spec.environment}.items():
        yield f"export {name}={shlex.quote(value)}"
    stop = shlex.quote(str(spec.folder / f"stop-{spec.attempt}"))
    yield f'export KIFABRIK_STOP_FILE={stop}"-{TASK}"' if array else f"export KIFABRIK_STOP_FILE={stop}"
    if not profile.scratch:
        yield "clean() { :; }"
    else:
        yield f"TMPDIR=$(mktemp -d -- {shlex.quote(profile.scratch)}/kifabrik-XXXXXX) || exit 1"
        yield "export TMPDIR"
        yield 'clean() { rm -rf -- "$TMPDIR"; }'
        yield "trap clean EXIT"


def _meeting(profile: SiteProfile, layout: Layout) -> Iterator[str]:
    """Say where several nodes meet: at the first one, on a port of this job."""
    if not layout.is_spread:
        return
    rule, plus, suffix = profile.master_address.partition("+")
    ask = (
        "scontrol show node \"$1\" | sed -n 's/.*NodeAddr=\\([^ ]*\\).*/\\1/p'"
        if rule == "node-address"
        else 'echo "$1"'
    )
    yield f'address_of() {{ echo "$({ask}){suffix if plus else ""}"; }}'
    yield "export -f address_of"
    yield 'first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)'
    yield 'export KIFABRIK_MEET="$(address_of "$first"):$((20000 + SLURM_JOB_ID % 12000))"'


def _command(spec: JobSpec, profile: SiteProfile, layout: Layout, array: ArraySpec | None) -> str:
    """Say the shell words that start the work: directly on one node, by one srun task a node on several."""
    here = _HERE if layout.is_spread and profile.master_address != "hostname" and profile.launcher != "pyxis" else ""
    words = distribute(
        _with_python(spec.command, profile),
        nodes=spec.nodes,
        processes_per_node=spec.processes_per_node,
        rendezvous=_MEET if layout.is_spread else "",
        job_id=spec.key.replace(":", "-") if layout.is_spread else "",
        local_address=here,
    )
    text = shlex.join(_in_container(words, spec, profile))
    if array:
        text = text.replace(TASK, f"""'"{TASK}"'""")
    if not layout.is_spread and profile.launcher != "pyxis":
        return text
    srun = [
        "srun",
        f"--nodes={spec.nodes}",
        f"--ntasks={spec.nodes}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={layout.cpus_per_node}",
        "--kill-on-bad-exit=1",
        *_pyxis_options(spec, profile),
    ]
    if not layout.is_spread:
        return f"{shlex.join(srun)} {text}"
    text = text.replace(_MEET, '"$KIFABRIK_MEET"').replace(_HERE, '"$(address_of "$SLURMD_NODENAME")"')
    return f"{shlex.join(srun)} bash -c {shlex.quote(f'exec {text}')}"


def _with_python(command: tuple[str, ...], profile: SiteProfile) -> tuple[str, ...]:
    is_python = command[1:2] == ("-m",)
    return (profile.python, *command[1:]) if profile.python and is_python else command


def _in_container(words: tuple[str, ...], spec: JobSpec, profile: SiteProfile) -> tuple[str, ...]:
    if profile.launcher != "apptainer":
        return words
    bound = [word for mount in (str(spec.folder), *profile.mounts) for word in ("--bind", mount)]
    graphics = [] if profile.tres == "cpu" else ["--nv"]
    return ("apptainer", "exec", *graphics, *bound, "--pwd", str(spec.folder), profile.image or "", *words)


def _pyxis_options(spec: JobSpec, profile: SiteProfile) -> list[str]:
    if profile.launcher != "pyxis":
        return []
    mounts = ",".join(f"{mount}:{mount}" for mount in (str(spec.folder), *profile.mounts))
    return [
        f"--container-image={profile.image}",
        f"--container-mounts={mounts}",
        f"--container-workdir={spec.folder}",
    ]


_COUNTING = """\
start=${SLURM_RESTART_COUNT:-0}
if grep -qx -- "$start" "$KIFABRIK_STOP_FILE.starts" 2>/dev/null; then
  echo "kifabrik: the cluster starts this job a second time" >&2  # its controller forgot the first start
fi
echo "$start" >> "$KIFABRIK_STOP_FILE.starts"
"""

_HEARING = """\
limit={limit}
warning={warning}
clock="$KIFABRIK_STOP_FILE.clock"
if [[ "$(cat -- "$clock" 2>/dev/null)" =~ ^([0-9]+)$ ]]; then SECONDS=${{BASH_REMATCH[1]}}; fi  # before a pre-emption
warned=
warn() {{
  if [ -z "$warned" ]; then
    warned=$1
    echo "kifabrik: asked to save and stop ($1)" >&2
    : > "$KIFABRIK_STOP_FILE" || kill -TERM "$child"
  fi
}}
hear_signal() {{
  if (( SECONDS >= limit - warning - 120 )); then warn time-limit; else warn pre-emption; fi
}}
trap hear_signal USR1
trap 'warn end' TERM"""

_WAITING = """\
child=$!
while kill -0 "$child" 2>/dev/null; do
  if (( SECONDS >= limit + {grace} )); then kill -KILL "$child"; pause=1
  elif (( SECONDS >= limit )); then kill -TERM "$child"; overrun=1; pause={grace}
  elif (( SECONDS >= limit - warning )); then warn time-limit; pause=$((limit - SECONDS))
  else pause=$((limit - warning - SECONDS))
  fi
  sleep "$pause" &
  sleeper=$!
  wait -n "$child" "$sleeper"
  kill "$sleeper" 2>/dev/null
done
wait "$child"
code=$?
if [ -n "$overrun" ]; then exit {timed_out}; fi
if [ -n "$warned" ] && {{ [ "$code" -eq {saved} ] || [ "$code" -ne 0 -a -e "$KIFABRIK_STOP_FILE.saved" ]; }}; then
  if [ "$warned" = time-limit ]; then exit {timed_out}; fi
  # A job that is being cancelled is not RUNNING any more; putting it back would bring it to life again.
  if [ "$(squeue -h -j "$SLURM_JOB_ID" -o %T)" = RUNNING ] && scontrol requeue "$SLURM_JOB_ID"; then
    echo "$SECONDS" > "$clock"
    echo "kifabrik: saved; back into the queue" >&2
    sleep {requeue}
  fi
  exit {saved}
fi
if (( code > 128 )); then  # die of the same signal, for accounting folds codes above 128
  clean
  trap - USR1 TERM
  ulimit -c 0
  kill -"$((code - 128))" "$$"
fi
exit "$code"
"""
