"""Reads of compute, each filtered by what the viewer may see, sums too. Knows tables, writes nothing."""
