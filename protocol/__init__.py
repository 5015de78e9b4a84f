"""A2A: the agents as callers see them."""
