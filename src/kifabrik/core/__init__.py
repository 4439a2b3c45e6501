"""The ground floor: identifiers, quantities, findings, errors, canonical JSON, digests, safe writing.

Knows the standard library and nothing else of this project.
"""
