"""Forms of the catalogue: what people type, before a service judges it."""
