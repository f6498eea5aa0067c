"""API keys: shown once when made, kept as a hash, revoked and never deleted."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine, RowMapping, insert, select, update

from api.records.clock import now
from api.records.tables import api_keys
from kb.errors import BadInputError, NotFoundError
from kb.surrogates import without_surrogates

SCOPES = ("ask", "feedback", "snapshots", "admin")
_PREFIX = "nekb_"


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key: everything but the key."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: str
    revoked: str | None


def create_key(engine: Engine, name: str, scopes: tuple[str, ...]) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which nobody can see again.

    256 random bits need no slow hash: there is nothing to guess.
    """
    name = without_surrogates(name).strip()[:80]
    if not name:
        raise BadInputError("A key needs a name.", "Name who will use it: it is how the key is told from others.")
    unknown = [s for s in scopes if s not in SCOPES]
    if unknown or not scopes:
        raise BadInputError(f"There is no scope {', '.join(unknown) or 'given'}.", f"Use {', '.join(SCOPES)}.")
    secret = _PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(secrets.token_hex(4), name, scopes, now(), None)
    row = {"id": key.id, "name": key.name, "hash": _hash(secret), "scopes": ",".join(scopes), "created": key.created}
    with engine.begin() as db:
        db.execute(insert(api_keys).values(**row))
    return key, secret


def list_keys(engine: Engine) -> list[ApiKey]:
    """Every key, oldest first."""
    with engine.connect() as db:
        return [_key(row) for row in db.execute(select(api_keys).order_by(api_keys.c.created)).mappings()]


def revoke_key(engine: Engine, id: str) -> None:
    """Revoke a key from now on. Raises `NotFoundError` for an unknown id."""
    with engine.begin() as db:
        done = db.execute(update(api_keys).where(api_keys.c.id == id).values(revoked=now()))
    if not done.rowcount:
        raise NotFoundError(f"There is no key {id!r}.", "`nekb keys list` names them.")


def find_key(engine: Engine, secret: str) -> ApiKey | None:
    """The key that a caller shows, unless it is unknown or revoked."""
    if not secret.startswith(_PREFIX) or len(secret) > 200:
        return None
    with engine.connect() as db:
        row = db.execute(select(api_keys).where(api_keys.c.hash == _hash(secret))).mappings().first()
    return _key(row) if row is not None and row["revoked"] is None else None


def check_keys(engine: Engine) -> None:
    """Read a row. Raises as `find_key` does where keys cannot be read."""
    with engine.connect() as db:
        db.execute(select(api_keys).limit(1)).first()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(row["id"], row["name"], tuple(row["scopes"].split(",")), row["created"], row["revoked"])
