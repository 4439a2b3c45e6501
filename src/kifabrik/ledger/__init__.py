"""GPU time as double-entry bookkeeping. Pure: knows no database, no cluster and no clock."""
