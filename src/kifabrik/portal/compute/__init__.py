"""Sites, allocations, runs, jobs, files and usage."""
