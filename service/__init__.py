"""The roof: settings, assembly, engine, command line and console."""
