"""The shapes in which compute answers programs, and how rows become them: one module for each noun."""
