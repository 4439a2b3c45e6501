"""Settings, root addresses, base templates, components, static files and middleware."""
