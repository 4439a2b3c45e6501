"""Reads of the catalogue, each filtered by what the viewer may see. Knows tables, writes nothing."""
