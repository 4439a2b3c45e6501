"""`kifabrik demo`: the whole chain on this machine, through the doors that real users have."""
