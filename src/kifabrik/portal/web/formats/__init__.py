"""How dates and numbers are written, where Django has no way that fits."""
