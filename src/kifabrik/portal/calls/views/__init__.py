"""Pages of calls, proposals and awards."""
