"""``/tokens`` of an account: its API tokens. Roomtone's own; the vendor has a dashboard for it."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.model.tenancy import ApiToken
from roomtone.model.times import iso, iso_or_none
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok


class ApiTokenGiven(Struct):
    """Body of POST. Without ``app_id`` the token opens every app of the account."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]
    scope: Literal["admin", "read"]
    app_id: str | UnsetType | None = UNSET


class ApiTokenObject(Struct, frozen=True, kw_only=True):
    """An API token as it goes out: never its text, nor that text's digest."""

    id: str
    name: str
    scope: str
    app_id: str | None
    created_at: str
    revoked_at: str | None


class ApiTokensAnswer(Struct, frozen=True):
    success: bool
    data: tuple[ApiTokenObject, ...]


class ApiTokenAnswer(Struct, frozen=True):
    success: bool
    data: ApiTokenObject


class IssuedTokenData(Struct, frozen=True):
    """``text`` is shown here and never again."""

    token: ApiTokenObject
    text: str


class IssuedTokenAnswer(Struct, frozen=True):
    success: bool
    data: IssuedTokenData


def api_token_object(token: ApiToken) -> ApiTokenObject:
    """A token as it goes out."""
    return ApiTokenObject(
        id=token.id,
        name=token.name,
        scope=token.scope,
        app_id=token.app_id,
        created_at=iso(token.created_at),
        revoked_at=iso_or_none(token.revoked_at),
    )


async def list_tokens(call: Call) -> Answer:
    """Every API token of the account, oldest first, revoked ones too."""
    found = await call.facade.tenants.list_tokens(call.account_id)
    return ok(ApiTokensAnswer(True, tuple(map(api_token_object, found))))


async def create_token(call: Call) -> Answer:
    """A new API token; its text is in this answer only."""
    given = await call.given(ApiTokenGiven)
    issued = await call.facade.tenants.create_token(
        call.account_id, given.get("app_id"), given["name"], given["scope"]
    )
    data = IssuedTokenData(api_token_object(issued.token), issued.text)
    return ok(IssuedTokenAnswer(True, data), 201)


async def revoke_token(call: Call) -> Answer:
    """Close an API token for good, and whoever is signed in with it; again changes nothing."""
    token = await call.facade.tenants.revoke_token(call.account_id, call.path["token_id"])
    return ok(ApiTokenAnswer(True, api_token_object(token)))


API_TOKENS = Resource(
    "/tokens",
    {
        "GET": Operation(
            handler=list_tokens,
            name="getApiTokens",
            summary="List the API tokens of an account",
            answer=ApiTokensAnswer,
        ),
        "POST": Operation(
            handler=create_token,
            name="createApiToken",
            summary="Make an API token",
            answer=IssuedTokenAnswer,
            status=201,
            body=ApiTokenGiven,
        ),
    },
    "Apps",
    of_account=True,
)

API_TOKEN = Resource(
    "/tokens/{token_id}",
    {
        "DELETE": Operation(
            handler=revoke_token,
            name="revokeApiToken",
            summary="Revoke an API token",
            answer=ApiTokenAnswer,
        )
    },
    "Apps",
    of_account=True,
)
