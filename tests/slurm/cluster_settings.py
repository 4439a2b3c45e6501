"""The settings of a private test cluster as text. Every line that cost time to find says why it is there."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

GPUS_PER_NODE = 4
CPUS_PER_NODE = 8

_SLURM = """\
ClusterName={name}
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[slurmctld]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A requeued job waits for its old credential to expire, two minutes by default.
AuthInfo=socket={sockets}/munge,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.own.log
SlurmdLogFile={folder}/log/slurmd-%n.own.log
SlurmctldDebug=info
SlurmdDebug=info
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=3,bf_max_job_test=500,default_queue_depth=1000,sched_min_interval=0
PriorityType=priority/multifactor
PriorityCalcPeriod=1
PriorityWeightQOS=1000
# Budgets are hard: what was used never fades.
PriorityDecayHalfLife=0
PriorityUsageResetPeriod=NONE
PreemptType=preempt/qos
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={ports[slurmdbd]}
# Clients of slurmdbd do not look at AuthInfo.
AccountingStoragePass={sockets}/munge
AccountingStorageEnforce=associations,limits,qos,safe
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
GresTypes=gpu
MailProg=/bin/true
KillWait=5
MinJobAge=300
MaxJobCount=50000
MaxArraySize=20001
MessageTimeout=15
SlurmctldTimeout=30
SlurmdTimeout=60
ReturnToService=2
InactiveLimit=0
DefMemPerCPU=100
{nodes}
PartitionName=main Nodes={node_list} Default=YES MaxTime=INFINITE State=UP
"""

_NODE = (
    "NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} Boards=1 SocketsPerBoard=1 "
    "CoresPerSocket={cpus} ThreadsPerCore=1 CPUs={cpus} RealMemory=8000 Gres=gpu:{gpus}"
)

_ACCOUNTING = """\
AuthType=auth/munge
AuthInfo=socket={sockets}/munge
# A number here is fatal.
DbdHost=localhost
DbdPort={ports[slurmdbd]}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd.own.log
DebugLevel=info
"""


def write(folder: Path, name: str, user: str, sockets: Path, ports: Mapping[str, int], nodes: Sequence[str]) -> None:
    """Write all settings and folders of a cluster; what is there already stays the same."""
    for part in ("state", "spool", "log", "devices", "mysql", "munge"):
        (folder / part).mkdir(mode=0o700, exist_ok=True)
    for node in nodes:
        (folder / "spool" / node).mkdir(mode=0o700, exist_ok=True)
    lines = [_NODE.format(node=n, port=ports[n], cpus=CPUS_PER_NODE, gpus=GPUS_PER_NODE) for n in nodes]
    values = {"folder": folder, "name": name, "user": user, "sockets": sockets, "ports": ports}
    _write(folder / "slurm.conf", _SLURM.format(**values, nodes="\n".join(lines), node_list=",".join(nodes)))
    _write(folder / "slurmdbd.conf", _ACCOUNTING.format(**values))
    _write(folder / "gres.conf", "\n".join(_gres(folder, node) for node in nodes))
    _write(folder / "cgroup.conf", "CgroupAutomount=no\n")
    key = folder / "munge" / "key"
    if not key.exists():
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)


def _gres(folder: Path, node: str) -> str:
    """A device must be a character device, or CUDA_VISIBLE_DEVICES is silently not set; links to /dev/null will do."""
    for number in range(GPUS_PER_NODE):
        link = folder / "devices" / f"{node}-gpu{number}"
        if not link.is_symlink():
            link.symlink_to("/dev/null")
    return f"NodeName={node} Name=gpu File={folder}/devices/{node}-gpu[0-{GPUS_PER_NODE - 1}]\n"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
