"""Out of sight and back: Glean hides single documents only, so their ids are kept in mind."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from domain.connector import ConnectorConfiguration
from domain.errors import SupplierUnavailable
from gateways.disk import make_folder, sync_folder
from gateways.glean_answers import OVERRIDES, SEARCH_PAGE
from gateways.glean_api import GleanApi
from gateways.glean_documents import search_request

_BATCH = 100
_MOST_PAGES = 1000
_PATH = "/governance/documents/visibilityoverrides"
_IDS = TypeAdapter(list[str])


class HiddenDocuments:
    """The ids of what was hidden, by datasource; without a folder only as long as we run.

    A hidden document is found by no search any more and Glean lists no overrides, so whoever
    wants to bring it back must have kept its id.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kept: dict[str, list[str]] = {}

    def ids(self, datasource: str) -> list[str]:
        """Give the ids that were hidden, in the order in which they were."""
        if self._folder is None:
            return list(self._kept.get(datasource, ()))
        with self._in_our_words(datasource):
            try:
                content = (self._folder / f"{datasource}.json").read_bytes()
            except FileNotFoundError:
                return []
            return _IDS.validate_json(content, strict=True)

    def keep(self, datasource: str, ids: Sequence[str]) -> None:
        """Keep more ids in mind, over a power cut too."""
        kept = list(dict.fromkeys([*self.ids(datasource), *ids]))
        if self._folder is None:
            self._kept[datasource] = kept
            return
        unfinished = self._folder / f"{datasource}.new"
        with self._in_our_words(datasource):
            make_folder(self._folder, self._folder.parent)
            with unfinished.open("wb") as file:
                file.write(_IDS.dump_json(kept))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / f"{datasource}.json")
            sync_folder(self._folder)

    def forget(self, datasource: str) -> None:
        """Forget a datasource's ids."""
        self._kept.pop(datasource, None)
        if self._folder is not None:
            with self._in_our_words(datasource):
                (self._folder / f"{datasource}.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _in_our_words(self, datasource: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as broken:
            reason = " ".join(str(broken).split())
            raise SupplierUnavailable(
                f"The list of what is hidden of datasource {datasource} cannot be used: {reason}. "
                f"Check the folder {self._folder} and the space on its disk."
            ) from broken


async def hide(api: GleanApi, connector: ConnectorConfiguration, hidden: HiddenDocuments) -> str:
    """Hide every document the test user sees; tells how many of the indexed ones that were.

    The ids are those Glean's own search gives: how it composes them is not documented.
    """
    found = await _visible_ids(api, connector)
    await asyncio.to_thread(hidden.keep, connector.datasource, found)
    done, reason = await _override(api, found, "HIDE_FROM_ALL")
    indexed = (await api.status(connector.datasource)).indexed
    before = len(await asyncio.to_thread(hidden.ids, connector.datasource)) - len(found)
    told = f"Glean hides {done + before} of {indexed} indexed documents from everybody."
    return f"{told} Some it would not hide: {reason}" if reason else told


async def unhide(api: GleanApi, connector: ConnectorConfiguration, hidden: HiddenDocuments) -> str:
    """Take our overrides off again; tells how many."""
    ids = await asyncio.to_thread(hidden.ids, connector.datasource)
    if not ids:
        return f"No document of datasource {connector.datasource} is known to be hidden by us."
    done, reason = await _override(api, ids, "NONE")
    if reason:
        return f"Glean shows {done} of {len(ids)} hidden documents again, but not all: {reason}"
    await asyncio.to_thread(hidden.forget, connector.datasource)
    return f"Glean shows all {done} hidden documents again."


async def _visible_ids(api: GleanApi, connector: ConnectorConfiguration) -> list[str]:
    """List Glean's own ids of the documents the test user sees, by a search for everything."""
    found: dict[str, None] = {}
    request, cursor = search_request("", connector, page_size=_BATCH), None
    for _ in range(_MOST_PAGES):
        asked = request if cursor is None else {**request, "cursor": cursor}
        page = (await api.ask(api.search(asked))).read(SEARCH_PAGE)
        found.update((hit.document.id, None) for hit in page.results if hit.document)
        if not page.has_more_results or page.cursor in {None, cursor}:
            break
        cursor = page.cursor
    return [each for each in found if each]


async def _override(api: GleanApi, ids: Sequence[str], how: str) -> tuple[int, str]:
    """Lay an override over documents; gives how many took it, and why the first did not."""
    done, reason = 0, ""
    for start in range(0, len(ids), _BATCH):
        laid = [{"docId": each, "override": how} for each in ids[start : start + _BATCH]]
        answer = await api.ask(api.client(_PATH, {"visibilityOverrides": laid}))
        results = answer.read(OVERRIDES).results
        done += sum(each.success for each in results)
        reason = reason or next((each.why for each in results if not each.success), "")
    return done, reason
