"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:8080"
"""Where `dataops serve` listens unless it is told otherwise."""

SETTINGS_FILE = Path("dataops.toml")


def usual_url() -> str:
    """Give the service's address by the settings file in this folder, or else the default."""
    import tomllib

    try:
        with SETTINGS_FILE.open("rb") as file:
            return str(tomllib.load(file).get("base_url", DEFAULT_URL))
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return DEFAULT_URL


Url = Annotated[
    str,
    typer.Option(
        envvar="DATAOPS_BASE_URL",
        default_factory=usual_url,
        show_default=f"base_url in {SETTINGS_FILE}, else {DEFAULT_URL}",
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
