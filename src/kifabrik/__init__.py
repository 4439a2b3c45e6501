"""Kifabrik: the operating system of an AI factory, from the call for proposals to the signed, served model."""

__version__ = "0.1.0"
