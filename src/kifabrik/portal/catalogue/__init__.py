"""Datasets, registered models, releases and passports."""
