"""Near-duplicates: MinHash signatures, bands, and clusters in which every removal is verified on the texts.

Knows texts and signatures, not files of a dataset. The doors are `Parameters`, `signatures`, `find_clusters` with
`TextComparison`, `find_elsewhere` with `Side`, `write_signatures` and `read_signatures`.
"""

from kifabrik.datasets.deduplication.clusters import Clusters, find_clusters
from kifabrik.datasets.deduplication.comparing import TextComparison
from kifabrik.datasets.deduplication.elsewhere import Side, find_elsewhere
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import read_signatures, signatures, write_signatures

__all__ = [
    "Clusters",
    "Parameters",
    "Side",
    "TextComparison",
    "find_clusters",
    "find_elsewhere",
    "read_signatures",
    "signatures",
    "write_signatures",
]
