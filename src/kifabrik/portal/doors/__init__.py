"""What every door of the portal shares: paging, problem details, form errors. Knows no table."""
