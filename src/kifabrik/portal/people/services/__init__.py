"""The writes of people: one module for each noun."""
