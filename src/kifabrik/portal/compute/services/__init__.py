"""The writes of compute: one module for each noun."""
