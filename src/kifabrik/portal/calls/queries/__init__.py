"""The reads of calls: what a person may see of calls, proposals and awards."""
