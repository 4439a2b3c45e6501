"""Formats of English as it is written in Europe."""
