"""Runs jobs on Slurm and keeps its accounts, by Slurm's own commands. Knows jobs and accounts, not the portal."""
