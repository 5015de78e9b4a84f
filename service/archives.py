"""Where archives are kept: in a folder, or in a bucket, as it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateways.archive import FolderArchive
from gateways.s3 import Access, Keys
from gateways.s3_archive import S3Archive
from gateways.secrets import resolve

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from domain.ports import Anchors
    from service.settings import Settings


def opened_archive(settings: Settings, stack: AsyncExitStack) -> Anchors:
    """Open the archive that is set; the stack closes it. Nothing is asked of it yet."""
    place = settings.archive_bucket
    if place is None:
        return FolderArchive(settings.archive_folder)
    archive = S3Archive(place, access_of(settings), settings.archive_lock)
    stack.callback(archive.close)
    return archive


def access_of(settings: Settings) -> Access:
    """Give the way to the bucket; its keys are looked up when they are needed."""
    key_id, secret = settings.archive_access_key_id, settings.archive_secret_access_key
    if key_id is None or secret is None:
        return Access(settings.archive_endpoint_url)
    return Access(settings.archive_endpoint_url, lambda: Keys(resolve(key_id), resolve(secret)))
