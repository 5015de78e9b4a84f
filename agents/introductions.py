"""Introductions: clients and journeys that come with their first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import RequestRejected
from domain.journey import Client, ClientId, Journey, JourneyId, JourneyStatus, uuid_of

if TYPE_CHECKING:
    from domain.commands import Introduction, ProvisionDatasets


def introduced(command: ProvisionDatasets, introduction: Introduction, tenant: str) -> Journey:
    """Give the journey, and in it the client, that a request introduces."""
    return Journey(
        journey_id=JourneyId(uuid_of(tenant, "journey", command.journey)),
        ref=command.journey,
        status=JourneyStatus.ACTIVE,
        stage=command.stage,
        client=_client(command, introduction, tenant),
    )


def require_client(journey: Journey, client: str) -> None:
    """Hold a journey to the client it is named with. Raises RequestRejected."""
    if client not in {journey.client.ref, str(journey.client.client_id)}:
        message = (
            f"Journey {journey.ref} belongs to client {journey.client.ref}, not to {client}. Name "
            "the journey's own client."
        )
        raise RequestRejected(message)


def _client(command: ProvisionDatasets, introduction: Introduction, tenant: str) -> Client:
    return Client(
        client_id=ClientId(uuid_of(tenant, "client", command.client)),
        ref=command.client,
        name=introduction.name,
        code=introduction.code,
        industry=introduction.industry,
        use_case=introduction.use_case,
    )
