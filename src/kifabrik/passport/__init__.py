"""The signed dossier of a release: gate, assembly, evidence, exports, signature, offline verification.

Knows records and files; no portal, no torch, no network.
"""
