"""The command line: words, printing and exit codes only."""
