"""Keys over HTTP: one's own, and for administrators everybody's. Both go through the same few steps.

Whoever holds a key sees the keys of its owner, and may revoke and rotate those that are good for nothing that their
own is not: else a key that only reads could be turned into one that does more.
"""

from __future__ import annotations

import time

from flask import Blueprint, Response

from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.schemas import owners as schemas
from web.api.schemas.owners import NewKey, Rotation
from web.context import caller, owner, site
from workers.owners.keys import Key, KeyStore, Scope, parsed_scopes

blueprint = Blueprint("keys", __name__)

DAY_S = 86_400.0


def store() -> KeyStore:
    """The keys of this server's database."""
    return site().keys.store


def make(asked: NewKey) -> tuple[Key, str]:
    """A key that an administrator asks for.

    Raises:
        Problem: ``conflict`` while the server needs no keys: whoever makes the first one by accident is locked out.
    """
    if not site().keys.required:
        raise Problem("conflict", "the server needs no keys yet; make the first one with `sonorize keys add`")
    ends = None if asked.expires_in_days is None else time.time() + asked.expires_in_days * DAY_S
    scopes = parsed_scopes(asked.scopes)
    return store().make(asked.owner, scopes, label=asked.label, expires_at=ends, made_by=owner())


def within_reach(key_id: str) -> Key:
    """A key of the caller's own that is good for nothing that theirs is not.

    Raises:
        NotFound: there is none, or it is somebody else's.
        Problem: ``scope``.
    """
    key = store().get(key_id, owner())
    if more := key.scopes - caller().scopes:
        words = ", ".join(scope for scope in Scope if scope in more)
        raise Problem("scope", f"that key is good for more than yours ({words}); use one with the same scopes")
    return key


def rotate(key: Key, overlap_hours: float) -> tuple[Key, str]:
    """Replace a key. Raises Conflict where it has ended."""
    return store().rotate(key.id, key.owner, overlap_s=overlap_hours * 3600, made_by=owner())


def made(pair: tuple[Key, str]) -> Response:
    """201 with a new key, never to be kept by anything on the way."""
    key, secret = pair
    return reply({"key": key.as_json(), "secret": secret}, 201, {"Cache-Control": "no-store"})


@blueprint.get("/v1/keys")
@describes(Operation("listKeys", "Your keys, newest first", {200: schemas.ApiKeys}, scope=Scope.READ))
def listing() -> Response:
    """The caller's keys."""
    return reply({"keys": [key.as_json() for key in store().listed(owner())]})


@blueprint.post("/v1/keys/<key_id>/rotate")
@describes(
    Operation(
        "rotateKey",
        "Replace a key of yours by a new one; both are good for a while",
        {201: schemas.MadeKey},
        (*BODY, "not-found", "conflict"),
        body=Rotation,
        scope=Scope.WRITE,
    )
)
def rotate_own(key_id: str, body: Rotation) -> Response:
    """Replace one of the caller's keys."""
    return made(rotate(within_reach(key_id), body.overlap_hours))


@blueprint.delete("/v1/keys/<key_id>")
@describes(
    Operation("revokeKey", "End a key of yours at once", {200: schemas.ApiKey}, ("not-found",), scope=Scope.WRITE)
)
def revoke_own(key_id: str) -> Response:
    """End one of the caller's keys."""
    return reply(store().revoke(within_reach(key_id).id, owner()).as_json())


@blueprint.get("/v1/admin/keys")
@describes(Operation("listAllKeys", "All keys of all owners", {200: schemas.ApiKeys}, scope=Scope.ADMIN))
def listing_of_all() -> Response:
    """Every key."""
    return reply({"keys": [key.as_json() for key in store().listed()]})


@blueprint.post("/v1/admin/keys")
@describes(
    Operation(
        "createKey",
        "Make a key for an owner; its text is told this once",
        {201: schemas.MadeKey},
        (*BODY, "conflict"),
        body=NewKey,
        scope=Scope.ADMIN,
    )
)
def create(body: NewKey) -> Response:
    """Make a key."""
    return made(make(body))


@blueprint.post("/v1/admin/keys/<key_id>/rotate")
@describes(
    Operation(
        "rotateAnyKey",
        "Replace an owner's key by a new one; both are good for a while",
        {201: schemas.MadeKey},
        (*BODY, "not-found", "conflict"),
        body=Rotation,
        scope=Scope.ADMIN,
    )
)
def rotate_any(key_id: str, body: Rotation) -> Response:
    """Replace anybody's key."""
    return made(rotate(store().get(key_id, None), body.overlap_hours))


@blueprint.delete("/v1/admin/keys/<key_id>")
@describes(
    Operation("revokeAnyKey", "End an owner's key at once", {200: schemas.ApiKey}, ("not-found",), scope=Scope.ADMIN)
)
def revoke_any(key_id: str) -> Response:
    """End anybody's key."""
    return reply(store().revoke(key_id, None).as_json())
