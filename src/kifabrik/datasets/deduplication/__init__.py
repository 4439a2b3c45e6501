"""Near-duplicates: MinHash signatures, bands, and clusters in which every removal is verified on the texts.

Knows texts and signatures, not files of a dataset. The doors are `Parameters`, `signatures`, `find_clusters` with
`TextComparison`, or its two halves for several processes, `candidate_pairs` of a `Collection` and `judge_pairs`,
`find_elsewhere` with `Side`, `write_signatures` and `read_signatures`.
"""

from kifabrik.datasets.deduplication.banding import Collection, candidate_pairs, join_pairs
from kifabrik.datasets.deduplication.clusters import Clusters, find_clusters, judge_pairs
from kifabrik.datasets.deduplication.comparing import TextComparison
from kifabrik.datasets.deduplication.elsewhere import Side, find_elsewhere
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import read_signatures, signatures, write_signatures

__all__ = [
    "Clusters",
    "Collection",
    "Parameters",
    "Side",
    "TextComparison",
    "candidate_pairs",
    "find_clusters",
    "find_elsewhere",
    "join_pairs",
    "judge_pairs",
    "read_signatures",
    "signatures",
    "write_signatures",
]
