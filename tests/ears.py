"""Ears for a server of a test's own: they hear when it is ready, and read on so that it never stalls."""

from __future__ import annotations

from contextlib import nullcontext
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection

START_SECONDS = 60.0
"""How long a server may take until it answers; PostgreSQL takes one second, SeaweedFS up to eight."""

_SHOWN = 40
"""So many of its last lines are told of a server that never was ready."""


def hear_ready(process: subprocess.Popen[str], name: str, signs: Collection[str]) -> Thread:
    """Wait until a server has said, on its stderr, all that shows that it is ready.

    Gives who reads on for ever after. Raises RuntimeError, and ends the server, when it takes too
    long or ends by itself.
    """
    is_decided, lines, missing = Event(), list[str](), set(signs)

    def listen() -> None:
        with process.stderr or nullcontext(()) as told:
            for line in told:
                lines.append(line)
                missing.difference_update({each for each in missing if each in line})
                if not missing:
                    is_decided.set()
        is_decided.set()

    ears = Thread(target=listen, daemon=True)
    ears.start()
    is_decided.wait(START_SECONDS)
    if missing:
        process.kill()
        message = f"{name} has ended, or did not start in {START_SECONDS:.0f} s:\n{''.join(lines[-_SHOWN:])}"
        raise RuntimeError(message)
    return ears
