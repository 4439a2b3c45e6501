"""Reads documents, checks them, splits them and writes a dataset version with its card. Knows no model."""
