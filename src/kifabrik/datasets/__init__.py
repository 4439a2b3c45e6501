"""From files to a dataset folder and its card: readers, detectors, exact deduplication, language, licences, splits.

Knows files and text, not training, the portal or who may accept a finding. The doors are `check.check_dataset`,
`folder.read_card`, `folder.iterate_documents` and `folder.verify`.
"""
