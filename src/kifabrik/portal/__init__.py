"""The Django face of the factory; its chapters stand one above the other."""
