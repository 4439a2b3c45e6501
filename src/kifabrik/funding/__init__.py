"""The rules of a call, as pure functions over frozen data. Knows no database and no web."""
