"""Tables of compute: sites, allocations and their ledger, files and runs, usage and accounting."""

from kifabrik.portal.compute.models.accounting import JobAccount, Reconciliation, ReconciliationLine, Usage
from kifabrik.portal.compute.models.allocations import (
    Allocation,
    AllocationAlert,
    ExtensionRequest,
    LedgerTransfer,
)
from kifabrik.portal.compute.models.runs import FileHolding, Run, RunEventRow, StoredFile
from kifabrik.portal.compute.models.sites import ClusterUser, Site, SiteFinding

__all__ = [
    "Allocation",
    "AllocationAlert",
    "ClusterUser",
    "ExtensionRequest",
    "FileHolding",
    "JobAccount",
    "LedgerTransfer",
    "Reconciliation",
    "ReconciliationLine",
    "Run",
    "RunEventRow",
    "Site",
    "SiteFinding",
    "StoredFile",
    "Usage",
]
