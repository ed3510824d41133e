"""What can be wrong with a deployment, and how each is mended: for ``symbolon doctor``."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select

from config.runtime.database.connect import sqlite_path
from config.runtime.database.unit import Statement
from config.runtime.health import Health
from config.runtime.outbox import dead_letters
from config.runtime.pages.languages import load_languages
from config.runtime.pages.look import UnfitLook, load_look
from config.runtime.pages.own_texts import UnfitTexts
from config.runtime.plugins import UnknownPlugin, plugins
from config.runtime.redis import Redis
from config.settings import Settings, SettingsError
from config.wiring.esignet_fonts import fonts
from config.wiring.esignet_timestamps import timestamps
from config.wiring.readiness import authority_check, checks
from config.wiring.world import World
from esignet.pages.room import ROOM as SIGNING_PAGES
from idp.pages.room import ROOM as LOGIN_PAGES
from keystore.credentials.ability import LACK
from keystore.door import KeyServiceUnavailable, KeyState
from keystore.purposes import OwnRing, OwnSecret, Role
from keystore.service.client import KeyOperator
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path

LEAST_FREE = 512 * 1024 * 1024
"""Bytes that a disk with an SQLite database should have free."""

_DEAD = Statement(select(func.count()).select_from(dead_letters))


@dataclass(frozen=True, slots=True)
class Finding:
    """``trouble`` is empty when ``subject`` is well; else it says what is wrong and the remedy."""

    subject: str
    trouble: str = ""


async def examine(world: World) -> list[Finding]:
    """Look at everything, and return what was found, well or not."""
    settings = world.settings
    found = [*_issuers(settings), *_keys(settings), *_look(settings), *_channels(settings)]
    for check in await Health(world.clock, checks(world), seconds=3.0).findings():
        found.append(Finding(check.name, check.reason))
    if not any(one.trouble for one in found if one.subject in ("database", "migrations")):
        found.append(await _letters(world))
    if settings.esignet.address:
        found += [_fonts(settings), await _stamps(world), *await _authority(world)]
    if settings.esignet.stored_keys:
        found.append(await _stored_keys(settings))
    found += [await asyncio.to_thread(_disk, settings), await _redis(world)]
    return found


def _issuers(settings: Settings) -> Iterator[Finding]:
    for issuer in settings.issuers:
        parts = urlsplit(issuer.address)
        trouble = ""
        if parts.scheme != "https" and not settings.demo:
            trouble = "an issuer outside the demonstration needs an https address"
        elif parts.query or parts.fragment or issuer.address.endswith("/"):
            trouble = "write the address without query, fragment and last slash"
        yield Finding(f"issuer {issuer.address}", trouble)


def _keys(settings: Settings) -> Iterator[Finding]:
    software = settings.keys.backend == "software" and not settings.demo
    trouble = "keys lie in a file: set up an HSM (keys.backend = pkcs11)" if software else ""
    yield Finding("key backend", trouble)


def _look(settings: Settings) -> Iterator[Finding]:
    try:
        load_look(settings.pages.accent, settings.pages.logo)
        load_languages(settings.pages.languages, (LOGIN_PAGES, SIGNING_PAGES), settings.pages.texts)
    except (UnfitLook, UnfitTexts, OSError) as reason:
        yield Finding("look of the pages", str(reason))
    else:
        yield Finding("look of the pages")


def _channels(settings: Settings) -> Iterator[Finding]:
    if "otp" in settings.factors.enabled and not settings.channels.enabled:
        yield Finding("channels", "codes cannot be sent: name channels in channels.enabled")
        return
    try:
        for module in plugins("idp.channels", settings.channels.enabled).values():
            module.build(settings)
    except (UnknownPlugin, SettingsError) as reason:
        yield Finding("channels", str(reason))
    else:
        yield Finding("channels")


def _fonts(settings: Settings) -> Finding:
    try:
        fonts(settings.esignet)
    except SettingsError as reason:
        return Finding("fonts", str(reason))
    return Finding("fonts")


async def _stamps(world: World) -> Finding:
    documents = DocumentClient(socket_path(Path(world.settings.keys.sockets), Role.ESIGNET))
    try:
        await timestamps(world, documents).close()
    except (UnknownPlugin, SettingsError) as reason:
        return Finding("time-stamps", str(reason))
    return Finding("time-stamps")


async def _authority(world: World) -> list[Finding]:
    """Look at our certificate authority: what it needs from a root elsewhere, and which key waits
    for that.
    """
    path = socket_path(Path(world.settings.keys.sockets), Role.OPERATOR)
    documents, operator = DocumentClient(path), KeyOperator(path)
    check = authority_check(world, documents.authority)
    try:
        found = [Finding("certificate authority", await check.ask() or "")]
        if world.settings.esignet.root_key == "elsewhere":
            found.append(Finding("next signing authority", await _waiting(operator)))
    except KeyServiceUnavailable as reason:
        found = [Finding("certificate authority", f"the key service does not show it: {reason}")]
    finally:
        await documents.close()
        await operator.close()
    return found


async def _waiting(operator: KeyOperator) -> str:
    keys = [key for key in await operator.keys() if key.ring == OwnRing.ISSUING]
    waiting = [key for key in keys if key.state is KeyState.PUBLISHED]
    if not waiting:
        return ""
    since = datetime.fromtimestamp(max(key.since for key in waiting), UTC).date()
    return (
        f"a key waits since {since} for the root to certify it: symbolon keys ceremony "
        "--request FILE"
    )


async def _stored_keys(settings: Settings) -> Finding:
    operator = KeyOperator(socket_path(Path(settings.keys.sockets), Role.OPERATOR))
    try:
        wrapping = [key for key in await operator.keys() if key.ring == OwnSecret.WRAPPING]
    except KeyServiceUnavailable:
        return Finding("stored keys", "not known while the key service is away")
    finally:
        await operator.close()
    lacks = LACK if not wrapping else next((key.trouble for key in wrapping if key.trouble), "")
    remedy = "switch esignet.stored_keys off, or take another token"
    return Finding("stored keys", f"{lacks}: {remedy}" if lacks else "")


async def _letters(world: World) -> Finding:
    row = await world.database.row(_DEAD)
    count = row[0] if row else 0
    return Finding(
        "undelivered", f"{count} could not be delivered: see dead_letter" if count else ""
    )


def _disk(settings: Settings) -> Finding:
    path = sqlite_path(settings.database.url)
    if path is None:
        return Finding("disk")
    free = shutil.disk_usage(path.parent).free
    low = free < LEAST_FREE
    return Finding("disk", f"{free >> 20} MiB are free beside {path}" if low else "")


async def _redis(world: World) -> Finding:
    url = world.settings.database.redis_url
    if not url:
        return Finding("Redis")
    redis = Redis(url, world.clock)
    try:
        reason = await redis.check()
    finally:
        await redis.close()
    remedy = "limits hold in each web process alone until it is back"
    return Finding("Redis", f"{reason}: {remedy}" if reason else "")
