"""Gateways: the only rooms that speak to foreign systems."""
