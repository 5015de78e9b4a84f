"""Addresses: what can be asked over HTTP, and how a host and a port are written as one."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Whether this is http:// or https:// with a host, and with a port only as there are ports."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def web_address(host: str, port: int | str) -> str:
    """Write where a host answers on a port; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
