"""Calls for proposals, proposals, checks, decisions and awards."""
