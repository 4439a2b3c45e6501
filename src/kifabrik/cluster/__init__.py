"""Runs jobs on a cluster: submit, poll, cancel, usage. Knows jobs and records, not recipes or the portal."""
