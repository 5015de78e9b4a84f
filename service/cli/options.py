"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from service.addresses import web_address
from service.cli.ending import ExitCode, Stopped

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", "8080"
"""Where `dataops serve` listens unless it is told otherwise."""

SETTINGS_FILE = Path("dataops.toml")

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nobody can be called there


def usual_url() -> str:
    """Give the service's address: base_url if it is set, or else where `serve` here listens.

    Raises:
        Stopped: the settings file cannot be read.
    """
    told = _in_file()
    if "base_url" in told:
        return str(told["base_url"])
    host = os.environ.get("DATAOPS_HOST") or str(told.get("host", DEFAULT_HOST))
    port = os.environ.get("DATAOPS_PORT") or str(told.get("port", DEFAULT_PORT))
    return web_address(_EVERYWHERE.get(host, host), port)


def _in_file() -> dict[str, Any]:
    import tomllib

    try:
        with SETTINGS_FILE.open("rb") as file:
            return tomllib.load(file)
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (ValueError, OSError) as error:
        what, why = f"{SETTINGS_FILE} cannot be read.", str(error)
        raise Stopped(ExitCode.USAGE, what, why, "mend it, or name the service by --url") from error


Url = Annotated[
    str,
    typer.Option(
        envvar="DATAOPS_BASE_URL",
        default_factory=usual_url,
        show_default=f"base_url, else host and port in {SETTINGS_FILE}, else port {DEFAULT_PORT} here",
        help="Where the service is.",
        metavar="URL",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="DATAOPS_TOKEN",
        help="The bearer token, as secret://env/NAME or secret://file/PATH.",
        metavar="REFERENCE",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout; everything else goes to stderr.")
]
Data = Annotated[
    Path | None, typer.Option(help="The folder that holds the database and the archive.")
]
Dataset = Annotated[
    str,
    typer.Argument(
        help="A dataset's id, or its connector's name, such as ACME-sandbox-confluence.",
        show_default=False,
    ),
]
