"""The stage agents and their coordinator: they do, and know neither A2A nor SQL."""
