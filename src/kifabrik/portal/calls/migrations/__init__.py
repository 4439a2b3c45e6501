"""Migrations of this chapter."""
