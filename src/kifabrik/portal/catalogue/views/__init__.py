"""Pages of the catalogue; each view makes one service call or a few reads."""
