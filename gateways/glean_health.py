"""A connector's health: what the answers to a knock say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from domain.checks import Probe
from domain.errors import DataOpsError
from gateways.glean_answers import SEARCH_PAGE, STATUS
from gateways.http import Answer

_NOT_LET_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def silent(failure: DataOpsError, elapsed_ms: float) -> Probe:
    """Report a knock that was not answered."""
    return Probe(
        connected=False, authenticated=False, response_time_ms=elapsed_ms, message=str(failure)
    )


def answered(answers: Sequence[Answer]) -> Probe:
    """Report a knock by its answers: the status first, then the search of a thorough one.

    A datasource that nobody may see, or that keeps what an upload replaced, has not let us in,
    however well it answers.
    """
    response_time_ms = max(each.response_time_ms for each in answers)
    refused = [each for each in answers if each.status in _NOT_LET_IN]
    failed = [each for each in answers if each.status != HTTPStatus.OK]
    message, connected = "", True
    if refused:
        message = f"{_told(refused[0])} Check that token."
    elif failed:
        message, connected = _told(failed[0]), False
    else:
        try:
            message = _not_let_through(answers)
        except DataOpsError as lied:
            message, connected = str(lied), False
    return Probe(
        connected=connected,
        authenticated=connected and not message,
        response_time_ms=response_time_ms,
        message=message,
    )


def watched(answers: Sequence[Answer]) -> Probe:
    """Report a knock of the sweep, the status first.

    Where Glean asks us to ask less, a status says nothing of the connector, and a search nothing
    of its token. The time is that of the status: a search that many share took it of none of them.
    """
    status, *searches = answers
    if status.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Probe(
            connected=False,
            authenticated=False,
            response_time_ms=status.response_time_ms,
            message=_told(status),
            is_made=False,
        )
    heard = [each for each in searches if each.status != HTTPStatus.TOO_MANY_REQUESTS]
    return replace(answered([status, *heard]), response_time_ms=status.response_time_ms)


def _not_let_through(answers: Sequence[Answer]) -> str:
    """Say why our documents are not what is found; nothing where they are."""
    status = answers[0].read(STATUS)
    for search in answers[1:]:
        search.read(SEARCH_PAGE)
    if status.datasource_visibility == "NOT_ENABLED":
        return (
            "The datasource is visible to nobody. Enable it for its test group or for all in "
            "Glean's admin console, under Data sources."
        )
    if status.holds_back_deletions:
        return (
            "Glean holds back the deletion of documents that the latest upload did not bring. "
            "It is none of ours: find who uploads into the datasource, then provision it anew."
        )
    return ""


def _told(answer: Answer) -> str:
    return f"{answer.source} answered {answer.status}: {answer.excerpt() or 'nothing more'}."
