"""Pages of compute: sites, allocations, runs."""
