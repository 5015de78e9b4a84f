"""The console: read-only pages over the registry, rendered on the server and kept live by events."""
