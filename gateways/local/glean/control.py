"""The control door: faults and an administrator's switch, outside Glean's own paths."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateways.local.glean.answers import answer, parsed, plain
from gateways.local.glean.datasources import set_visibility
from gateways.local.glean.faults import FaultKind
from gateways.local.glean.tenant import Refusal, Tenant


class PlannedFault(BaseModel):
    """A fault to come, or the share of documents that are never indexed."""

    model_config = ConfigDict(extra="forbid")

    path_suffix: str | None = None
    kind: FaultKind = FaultKind.STATUS
    status: Annotated[int, Field(ge=100, le=599)] = 503
    times: Annotated[int, Field(ge=1)] = 1
    after: Annotated[int, Field(ge=0)] = 0
    retry_after: str | None = None
    delay_seconds: Annotated[float, Field(ge=0, le=60)] = 0.0
    headers: dict[str, str] = {}
    body: str = "injected fault"
    never_index_percent: Annotated[float, Field(ge=0, le=100)] | None = None


class VisibilityChange(BaseModel):
    """What an administrator sets in the console."""

    datasource: str
    visibility: Literal["NOT_ENABLED", "ENABLED_FOR_TEST_GROUP", "ENABLED_FOR_ALL"]


def control_routes(tenant: Tenant) -> list[Route]:
    """`/_control/faults` (GET, POST, DELETE) and `/_control/visibility` (POST)."""

    async def list_faults(_: Request) -> Response:
        return answer({"faults": [asdict(each) for each in tenant.faults.planned()]})

    async def plan_fault(request: Request) -> Response:
        try:
            _plan(tenant, parsed(PlannedFault, await request.body()))
        except Refusal as refusal:
            return plain(refusal)
        return answer(None)

    async def clear_faults(_: Request) -> Response:
        tenant.faults.clear()
        return answer(None)

    async def change_visibility(request: Request) -> Response:
        try:
            change = parsed(VisibilityChange, await request.body())
            set_visibility(tenant, change.datasource, change.visibility)
        except Refusal as refusal:
            return plain(refusal)
        return answer(None)

    return [
        Route("/_control/faults", list_faults, methods=["GET"]),
        Route("/_control/faults", plan_fault, methods=["POST"]),
        Route("/_control/faults", clear_faults, methods=["DELETE"]),
        Route("/_control/visibility", change_visibility, methods=["POST"]),
    ]


def _plan(tenant: Tenant, planned: PlannedFault) -> None:
    if planned.never_index_percent is not None:
        tenant.faults.never_index(planned.never_index_percent)
    if planned.path_suffix is not None:
        tenant.faults.fail_next(
            planned.path_suffix,
            **planned.model_dump(exclude={"path_suffix", "never_index_percent"}),
        )
