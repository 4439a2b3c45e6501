"""Assembles, checks, signs and verifies the dossier of a release. Knows no portal and no model code."""
