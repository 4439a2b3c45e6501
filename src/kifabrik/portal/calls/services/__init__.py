"""The writes of calls: each loads rows, asks a pure rule, writes, and appends its audit line in one transaction."""
