"""Filters of this chapter's pages."""
