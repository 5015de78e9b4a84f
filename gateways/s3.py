"""S3: one bucket, reached by boto3 in threads of its own; what goes wrong is said in our words.

boto3 takes half a second to load, so it is loaded at the first call and not before.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import quote, unquote, urlsplit

from domain.errors import InvalidInput, NotFound, SupplierRefused, SupplierUnavailable
from gateways.archive_keys import is_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

Client: TypeAlias = Any
"""boto3's client for S3: it has no type before it is made."""

THREADS = 8
"""How many calls are under way at once; archives are rare."""

_USUAL_REGION = "us-east-1"
"""What is signed for where nobody names a region: servers other than Amazon's do not look."""

_PLACE = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})
_MUST_BE_MENDED = (
    "Mend what it complains about, then try again: dataops doctor looks at the bucket."
)


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, and what the names of our objects in it begin with: empty, or up to a slash."""

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """Read `s3://bucket/prefix`; None where it is no such place."""
        found = _PLACE.fullmatch(text)
        if found is None:
            return None
        prefix = (found["prefix"] or "").removesuffix("/")
        if prefix and not is_key(prefix):
            return None
        return cls(found["bucket"], f"{prefix}/" if prefix else "")

    def __str__(self) -> str:
        """Write the place as it is set."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Spot:
    """One version of one object: no later write of the same name changes what it leads to."""

    name: str
    version: str

    def location(self, bucket: str) -> str:
        """Write the address of the version."""
        return f"s3://{bucket}/{self.name}?versionId={quote(self.version, safe='')}"

    @classmethod
    def read(cls, location: str, bucket: str) -> Spot:
        """Read an address. Raises SupplierRefused where it is none of this bucket."""
        parts = urlsplit(location)
        version = parts.query.removeprefix("versionId=")
        if (parts.scheme, parts.netloc) != ("s3", bucket) or version == parts.query:
            raise SupplierRefused(
                f"{location!r} is not in the archive bucket {bucket}: its locations are written as "
                f"s3://{bucket}/NAME?versionId=VERSION."
            )
        return cls(parts.path.removeprefix("/"), unquote(version))

    def asked(self, bucket: str) -> dict[str, str]:
        """Give what every call about the version names."""
        return {"Bucket": bucket, "Key": self.name, "VersionId": self.version}


@dataclass(frozen=True, slots=True)
class Keys:
    """A pair of access keys."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class Access:
    """How a bucket is reached: its server (None: Amazon's), and who we are there.

    `keys` looks our keys up each time they are needed; None leaves that to boto3's own chain.
    """

    endpoint_url: str | None = None
    keys: Callable[[], Keys] | None = None


class Bucket:
    """One bucket and the threads in which it is spoken to."""

    def __init__(self, name: str, access: Access) -> None:
        """Reach a bucket; nothing is asked yet."""
        self.name = name
        self.access = access
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self._making = threading.Lock()
        self._made: tuple[Keys | None, Client] | None = None

    async def do(self, about: str, work: Callable[[Client], T]) -> T:
        """Have a thread speak to the bucket; `about` names what it is about in messages.

        A call that is cancelled meanwhile is not waited for; it ends by its own time limits.

        Raises:
            NotFound: there is no such object.
            SupplierUnavailable: the server does not answer, or not now.
            SupplierRefused: it says no.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._do, about, work)

    def close(self) -> None:
        """Let the threads go; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _do(self, about: str, work: Callable[[Client], T]) -> T:
        with in_our_words(self.name, about):
            return work(self._client())

    def _client(self) -> Client:
        """Give the one client; keys that have changed since it was made make another."""
        try:
            keys = self.access.keys() if self.access.keys else None
        except InvalidInput as unread:
            raise SupplierRefused(
                f"The keys of bucket {self.name} cannot be read. {unread}"
            ) from unread
        with self._making:
            if self._made is None or self._made[0] != keys:
                self._made = (keys, make_client(self.access, keys))
            return self._made[1]


def make_session(keys: Keys | None) -> Any:
    """Make a session of ours, with keys that are given or that boto3 finds by itself."""
    from boto3.session import Session  # noqa: PLC0415 - half a second, paid only where S3 is used
    from botocore.session import Session as Core  # noqa: PLC0415 - as above

    core = Core()
    models = _models(core.get_config_variable("data_path"))
    core.register_component("data_loader", models)
    session = Session(
        *((keys.access_key_id, keys.secret_access_key) if keys else ()), botocore_session=core
    )
    models.search_paths[:] = dict.fromkeys(models.search_paths)  # each session adds boto3's own
    return session


@functools.cache
def _models(folders: str | None) -> Any:
    """Load what boto3 knows of S3 once: a megabyte of JSON, most of what a second client takes."""
    from botocore.loaders import create_loader  # noqa: PLC0415 - as above

    return create_loader(folders)


def make_client(access: Access, keys: Keys | None) -> Client:
    """Make a client that gives up after half a minute: a process that ends waits for its threads."""
    from botocore.config import Config  # noqa: PLC0415 - as above

    session = make_session(keys)
    config = Config(
        max_pool_connections=THREADS,
        connect_timeout=5,
        read_timeout=10,
        retries={"total_max_attempts": 2, "mode": "standard"},  # the order is given again anyway
        s3={"addressing_style": "path"} if access.endpoint_url else None,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    region = session.region_name or _USUAL_REGION
    return session.client("s3", endpoint_url=access.endpoint_url, region_name=region, config=config)


@contextlib.contextmanager
def in_our_words(bucket: str, about: str) -> Iterator[None]:
    """Say what S3 answers, or that it does not, as the ports' errors do."""
    from botocore import exceptions  # noqa: PLC0415 - as above

    ours = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.ProfileNotFound,
        exceptions.ParamValidationError,
    )
    try:
        yield
    except exceptions.ClientError as refused:
        raise _translated(bucket, about, refused) from refused
    except ours as wrong:
        raise SupplierRefused(
            f"{about} in bucket {bucket} cannot be asked for: {wrong}. Set "
            "DATAOPS_ARCHIVE_ACCESS_KEY_ID and DATAOPS_ARCHIVE_SECRET_ACCESS_KEY, or what boto3 "
            "looks for by itself."
        ) from wrong
    except (exceptions.BotoCoreError, OSError) as lost:
        raise SupplierUnavailable(
            f"{about} in bucket {bucket} cannot be reached: {lost}. It is tried again; check that "
            "the server of DATAOPS_ARCHIVE_ENDPOINT_URL runs, and the way to it."
        ) from lost


def code_of(refused: Any) -> str:
    """Give the code of a refusal, such as `AccessDenied`; a bare status for one without words."""
    return str(refused.response.get("Error", {}).get("Code", ""))


def status_of(refused: Any) -> int:
    """Give the HTTP status of a refusal."""
    return int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _translated(bucket: str, about: str, refused: Any) -> Exception:
    code, status = code_of(refused), status_of(refused)
    told = f"{about} in bucket {bucket}: S3 answers {code or status}"
    if code == "NoSuchBucket":
        return SupplierRefused(
            f"{told}. Make the bucket with Object Lock enabled, or name another by DATAOPS_ARCHIVE."
        )
    if code in _ABSENT:
        return NotFound(f"{told}. Check that the bucket is the one it was written to.")
    if status >= 500 or status in {409, 429} or "SlowDown" in code:  # noqa: PLR2004 - HTTP's own numbers
        return SupplierUnavailable(f"{told}. It is tried again.", _retry_after(refused))
    if status in {401, 403}:
        return SupplierRefused(
            f"{told}. Check the keys, what their policy allows on this bucket, and that no lock or "
            "legal hold is on the object."
        )
    why = str(refused.response.get("Error", {}).get("Message", "")).rstrip(".")
    return SupplierRefused(f"{told}{f' ({why})' if why else ''}. {_MUST_BE_MENDED}")


def _retry_after(refused: Any) -> timedelta | None:
    asked = refused.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after")
    return timedelta(seconds=int(asked)) if asked and asked.isdecimal() else None
