"""What an operator forgets, each as a finding with what to write where."""

import pytest

from kifabrik.cluster.slurm.accounting import FIELDS
from kifabrik.cluster.slurm.checkup import examine
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import Unavailable
from kifabrik.core.findings import Severity

PROFILE = SiteProfile(executor="slurm", cluster="c", partition="main", devices_per_node=4)
GOOD = {
    "ClusterName": "c",
    "SLURM_VERSION": "23.11.4",
    "AccountingStorageType": "accounting_storage/slurmdbd",
    "AccountingStorageTRES": "cpu,mem,gres/gpu",
    "AccountingStorageEnforce": "associations,limits,qos,safe",
    "AccountingStoreFlags": "job_comment",
    "AuthInfo": "cred_expire=30",
    "PriorityType": "priority/multifactor",
    "PriorityDecayHalfLife": "00:00:00",
    "PriorityUsageResetPeriod": "NONE",
    "SlurmUser": "slurm(64030)",
}


class SaidBySlurm:
    """Answers as a cluster would."""

    def __init__(self, **settings: str) -> None:
        self.settings = {**GOOD, **settings}
        self.release = (23, 11)
        self.fields = frozenset(FIELDS)
        self.answers = {"sinfo": ["main|2|gpu:h100:4(S:0-1)"], "user": ["Operator"], "configuration": []}

    def version(self) -> tuple[int, int]:
        return self.release

    def configuration(self) -> dict[str, str]:
        return self.settings

    def sacct_fields(self) -> frozenset[str]:
        return self.fields

    def read(self, program: str, *words: str) -> list[str]:
        about = next((word for word in ("user", "configuration", "qos", "cluster") if word in words), program)
        answer = self.answers.get(about, [])
        if isinstance(answer, Exception):
            raise answer
        return answer


def look(slurm: SaidBySlurm, profile: SiteProfile = PROFILE) -> dict[str, Severity]:
    findings = examine(slurm, profile, user="kifabrik")  # type: ignore[arg-type]
    return {finding.code: finding.severity for finding in findings if finding.severity is not Severity.INFO}


def test_cluster_in_order_has_nothing_to_mend() -> None:
    assert look(SaidBySlurm()) == {}


@pytest.mark.parametrize(
    ("settings", "code", "severity"),
    [
        ({"ClusterName": "other"}, "slurm.cluster-name", Severity.BLOCKING),
        ({"AccountingStorageType": "accounting_storage/none"}, "slurm.no-accounting", Severity.BLOCKING),
        ({"AccountingStorageTRES": "cpu,mem,node"}, "slurm.not-tracked", Severity.BLOCKING),
        ({"AccountingStorageEnforce": "associations,limits"}, "slurm.not-enforced", Severity.SERIOUS),
        ({"AccountingStorageEnforce": "none"}, "slurm.not-enforced", Severity.BLOCKING),
        ({"PriorityType": "priority/basic"}, "slurm.no-counter", Severity.BLOCKING),
        ({"PriorityDecayHalfLife": "7-00:00:00"}, "slurm.use-fades", Severity.SERIOUS),
        ({"PriorityUsageResetPeriod": "MONTHLY"}, "slurm.use-fades", Severity.SERIOUS),
        ({"AccountingStoreFlags": "(null)"}, "slurm.no-comments", Severity.WARNING),
    ],
)
def test_setting_that_breaks_budgets_is_found(settings: dict[str, str], code: str, severity: Severity) -> None:
    assert look(SaidBySlurm(**settings)) == {code: severity}


def test_fading_use_is_fine_in_a_quality_of_service_without_it() -> None:
    slurm = SaidBySlurm(PriorityDecayHalfLife="7-00:00:00")
    slurm.answers["qos"] = ["DenyOnLimit,NoDecay"]

    assert look(slurm, PROFILE.model_copy(update={"qos": "projects"})) == {}


@pytest.mark.parametrize(
    ("about", "answer", "code"),
    [
        ("user", ["None"], "slurm.no-rights"),
        ("user", [], "slurm.no-rights"),
        ("configuration", ["PurgeJobAfter          = 12 months"], "slurm.history-is-purged"),
        ("sinfo", [], "slurm.no-partition"),
        ("sinfo", ["main|2|gpu:2"], "slurm.too-few-devices"),
        ("sinfo", ["main|2|(null)"], "slurm.too-few-devices"),
        ("cluster", Unavailable("slurmdbd is away."), "slurm.not-checked"),
    ],
)
def test_what_slurm_answers_is_judged(about: str, answer: object, code: str) -> None:
    slurm = SaidBySlurm()
    slurm.answers[about] = answer  # type: ignore[assignment]

    assert code in look(slurm)


def test_kind_of_accelerator_is_counted_by_its_name() -> None:
    slurm = SaidBySlurm()
    slurm.answers["sinfo"] = ["main|2|gpu:h100:4(S:0-1),gpu:a100:8"]

    assert look(slurm, PROFILE.model_copy(update={"gres": "gpu:h100"})) == {}
    assert look(slurm, PROFILE.model_copy(update={"gres": "gpu:h100", "devices_per_node": 8})) != {}


def test_unknown_release_and_lacking_field_are_told() -> None:
    slurm = SaidBySlurm()
    slurm.release, slurm.fields = (26, 5), frozenset(FIELDS) - {"AllocTRES"}

    assert look(slurm) == {"slurm.version": Severity.WARNING, "slurm.not-checked": Severity.NOT_CHECKED}


def test_silent_controller_is_one_finding() -> None:
    slurm = SaidBySlurm()

    def be_silent() -> dict[str, str]:
        raise Unavailable("Slurm does not answer.")

    slurm.configuration = be_silent  # type: ignore[method-assign]

    assert look(slurm) == {"slurm.silent": Severity.BLOCKING}
