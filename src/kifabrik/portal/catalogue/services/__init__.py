"""Writes of the catalogue: load rows, call a pure rule, write, append the audit event in the same transaction."""
