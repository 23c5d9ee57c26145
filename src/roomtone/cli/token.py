"""``roomtone token``: API tokens."""

import json

import click

from roomtone.cli.options import on_folder, with_settings
from roomtone.model.errors import NotFound
from roomtone.model.tenancy import ADMIN, SCOPES, Account, ApiToken
from roomtone.model.times import iso, iso_or_none
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


@click.group()
def token() -> None:
    """API tokens: make, list, revoke."""


@token.command()
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option("--scope", type=click.Choice(SCOPES), default=ADMIN, show_default=True)
@click.option("--app", "app_id", help="Only for this app; without, for every app of the account.")
@click.option("--account", "account_id", help="The account; needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def create(
    settings: Settings,
    *,
    name: str,
    scope: str,
    app_id: str | None,
    account_id: str | None,
    as_json: bool,
) -> None:
    """Make a token. It is shown once: only its hash is stored."""

    async def work(roomtone: Roomtone) -> tuple[ApiToken, str]:
        account = await chosen_account(roomtone, account_id)
        issued = await roomtone.tenants.create_token(account.id, app_id, name, scope)
        return issued.token, issued.text

    made, text = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps({**_shown(made), "api_token": text}))
    else:
        click.echo(f"{text}\n  id {made.id}, scope {made.scope}. It is not shown again.")


@token.command(name="list")
@click.option("--account", "account_id", help="The account; needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def list_(settings: Settings, *, account_id: str | None, as_json: bool) -> None:
    """List the tokens, revoked ones too."""

    async def work(roomtone: Roomtone) -> list[ApiToken]:
        account = await chosen_account(roomtone, account_id)
        return await roomtone.tenants.list_tokens(account.id)

    found = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps([_shown(one) for one in found]))
        return
    for one in found:
        state = f"revoked {iso(one.revoked_at)}" if one.revoked_at is not None else "good"
        reach = one.app_id or "every app"
        click.echo(f"{one.id}  {one.scope:5}  {iso(one.created_at)}  {state}  {reach}  {one.name}")


@token.command()
@click.argument("token_id")
@click.option("--account", "account_id", help="The account; needed when there are several.")
@with_settings("data")
def revoke(settings: Settings, *, token_id: str, account_id: str | None) -> None:
    """Close the token with this id, at once and for good."""

    async def work(roomtone: Roomtone) -> ApiToken:
        account = await chosen_account(roomtone, account_id)
        return await roomtone.tenants.revoke_token(account.id, token_id)

    on_folder(settings, work)
    click.echo(f"Revoked {token_id}.")


async def chosen_account(roomtone: Roomtone, account_id: str | None) -> Account:
    """The named account, or the only one. Raises NotFound."""
    accounts = await roomtone.tenants.accounts()
    if not accounts:
        raise NotFound("There is no account yet: run `roomtone init` on this data folder first.")
    if account_id is None:
        if len(accounts) == 1:
            return accounts[0]
        raise NotFound("There are several accounts: name one with --account.")
    for account in accounts:
        if account.id == account_id:
            return account
    raise NotFound("No such account.")


def _shown(one: ApiToken) -> dict[str, str | None]:
    return {
        "id": one.id,
        "name": one.name,
        "scope": one.scope,
        "account_id": one.account_id,
        "app_id": one.app_id,
        "created_at": iso(one.created_at),
        "revoked_at": iso_or_none(one.revoked_at),
    }
