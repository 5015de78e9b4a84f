"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:8080"
"""Where `dataops serve` listens unless it is told otherwise."""

Url = Annotated[
    str,
    typer.Option(envvar="DATAOPS_BASE_URL", help="Where the service is.", metavar="URL"),
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
