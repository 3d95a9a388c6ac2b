"""Every setting of the server, typed: the only file that reads the environment.

A field ``lease_s`` is set by ``SONORIZE_LEASE_S``, or by ``SONORIZE_LEASE_S_FILE`` naming a file that holds the value,
as container platforms hand over secrets. ``.env.example`` documents each; a test compares.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import platformdirs
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from synth.errors import OptionError
from workers.addresses import CHECKS

PREFIX: Final = "SONORIZE_"
FRUGAL: Final = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""For child processes, where nobody asked for something else: numpy's threads would wait for each other beside ffmpeg's
and torch's, and each thread's own heap keeps what it once needed."""
SOCKET_PATH_BYTES: Final = 100  # Linux takes 107 for the path of a unix socket


class FileSource(PydanticBaseSettingsSource):
    """``SONORIZE_X_FILE``: the value of field x stands in that file, surrounding white space taken off."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """The text of the file that the environment names for this field, if it names one."""
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"the file named by {PREFIX}{field_name.upper()}_FILE cannot be read") from error

    def __call__(self) -> dict[str, Any]:
        """Field -> text, for the fields whose files are named."""
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class _Sourced(BaseSettings):
    """What settings are read from."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the files that it names; no dotenv file is looked for."""
        return init_settings, env_settings, FileSource(settings_cls)


class Settings(_Sourced):
    """One frozen set of settings. Times in seconds, sizes in bytes; what is left empty follows from ``data_dir``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    data_dir: Path = platformdirs.user_data_path("sonorize", appauthor=False)
    database_url: str = Field("", repr=False)
    broker_url: str = Field("", repr=False)
    storage_url: str = Field("", repr=False)
    s3_access_key: str = Field("", repr=False)
    s3_secret_key: str = Field("", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str = ""
    api_keys: str = Field("", repr=False)
    secret_key: str = Field("", repr=False)
    trusted_hosts: str = ""
    trusted_proxies: str = ""
    rate_key_per_minute: int = Field(6000, ge=0)
    rate_login_per_minute: int = Field(20, ge=0)
    rate_address_per_minute: int = Field(300, ge=0)
    connections_of_address: int = Field(256, ge=1)
    max_upload_bytes: int = Field(512 * 1024**2, gt=0)
    max_queued: int = Field(1000, gt=0)
    upload_hours: float = Field(24.0, gt=0)
    lease_s: float = Field(10.0, gt=0)
    reconcile_s: float = Field(1.0, gt=0)
    max_attempts: int = Field(3, ge=1)
    batch_claim: int = Field(8, ge=1)
    batch_sound_s: float = Field(1800.0, gt=0)
    job_timeout_s: float = Field(1800.0, gt=0)
    retention_days: float = Field(30.0, gt=0)
    retention_max_days: float = Field(365.0, gt=0)
    owner_bytes: int = Field(0, ge=0)
    owner_queued: int = Field(0, ge=0)
    owner_sound_s: float = Field(0.0, ge=0)
    describe: bool = True
    sampler_instructions: str = ""  # the best instruction set that the sampler may use
    samples: bool = True  # whether a new server makes three results to hear
    libraries: str = ""  # folder with the index files of sound libraries that jobs may use
    music: str = ""  # folder of the user's own music, out of which tracks are suggested
    webhook_private: bool = False
    webhook_ports: str = ""
    metrics_token: str = Field("", repr=False)
    log_format: Literal["text", "json"] = "text"
    traces: Literal["", "otlp"] = ""
    preload: str = ""  # modules that each worker process imports at its start, separated by commas

    @property
    def heartbeat_s(self) -> float:
        """Seconds between two signs of life of a running job: two may be lost before the lease runs out."""
        return self.lease_s / 3

    @property
    def work_dir(self) -> Path:
        """Where running jobs have their temporary folders."""
        return self.data_dir / "work"

    @property
    def libraries_dir(self) -> Path:
        """Where the index files of sound libraries are."""
        return Path(self.libraries).expanduser() if self.libraries else self.data_dir / "libraries"

    @property
    def music_dir(self) -> Path | None:
        """The folder of the user's own music."""
        return Path(self.music).expanduser() if self.music else None

    @property
    def music_index(self) -> Path:
        """Where workers keep what they know of that folder."""
        return self.data_dir / "music.sqlite"

    @property
    def spool_dir(self) -> Path:
        """Where uploads arrive before they are stored."""
        return self.data_dir / "spool"

    @property
    def uploads_dir(self) -> Path:
        """Where resumable uploads lie until their clip is stored, and clips while the storage is away."""
        return self.data_dir / "uploads"

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        """What is left empty is on this machine, under ``data_dir``."""
        values = {name: value for name, value in dict(given).items() if value != ""}
        data_dir = Path(values.get("data_dir", cls.model_fields["data_dir"].default)).expanduser().absolute()
        values["data_dir"] = data_dir
        values.setdefault("database_url", sqlite_url(data_dir / "sonorize.db"))
        values.setdefault("storage_url", (data_dir / "files").as_uri())
        values.setdefault("broker_url", broker_socket_url(data_dir))
        return values

    @field_validator("webhook_ports")
    @classmethod
    def _are_ports(cls, text: str) -> str:
        """A slip in a port stops the start."""
        for one in filter(None, (part.strip() for part in text.split(","))):
            if not (one.isdecimal() and 0 < int(one) < 65536):
                raise ValueError(
                    f"{one[:20]!r} is no port; allowed are numbers from 1 to 65535 with commas between them"
                )
        return text

    @field_validator(*CHECKS)
    @classmethod
    def _understood(cls, address: str, info: ValidationInfo) -> str:
        """A slip in an address stops the start, instead of everything that would go there."""
        CHECKS[str(info.field_name)](address)
        return address

    def environment(self) -> dict[str, str]:
        """The environment of a child process that shall find these very settings in it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        ours = {
            f"{PREFIX}{name.upper()}": str(value)
            for name, value in self.model_dump().items()
            if value not in ("", None)
        }
        return {**FRUGAL, **inherited, **ours}


def from_environment(**overrides: Any) -> Settings:
    """The settings that the environment asks for.

    Args:
        overrides: fields that somebody set more directly, as on the command line; ``None`` overrides nothing.

    Raises:
        OptionError: a value is not allowed; the text names the variable.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        message = first["ctx"]["error"] if first["type"] == "value_error" else first["msg"]
        raise OptionError(f"setting {PREFIX}{name}: {message}") from error


def embedded(data_dir: Path, **overrides: Any) -> Settings:
    """Settings of a server of one machine: SQLite, a folder for files, a broker on a unix socket, all in ``data_dir``.

    The folder is made, readable for its owner alone, with a secret key that stays the same over restarts.

    Raises:
        OptionError: a value is not allowed, or the folder cannot be made.
    """
    own = {"data_dir": data_dir, "database_url": "", "broker_url": "", "storage_url": ""}
    return _at_home(from_environment(**{**own, **overrides}))


def of_this_machine(data_dir: Path | None = None, **overrides: Any) -> Settings:
    """What ``serve`` and ``worker`` go by: the environment, and for what it leaves open a folder of this machine.

    The folder is made as for :func:`embedded`.

    Raises:
        OptionError: a value is not allowed, or the folder cannot be made.
    """
    return _at_home(from_environment(data_dir=data_dir, **overrides))


def _at_home(settings: Settings) -> Settings:
    """The folder made, and a secret key kept in it unless one is set."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret_key = settings.secret_key or _kept_secret(folder / "secret_key")
    except OSError as error:
        raise OptionError(f"the data folder {str(folder)!r} cannot be used: {error.strerror}") from error
    return settings.model_copy(update={"secret_key": secret_key})


def broker_socket(data_dir: Path) -> Path:
    """The embedded broker's socket: in the data folder, or, where that path is too long, in /tmp."""
    inside = data_dir / "broker.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES:
        return inside
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    # Not tempfile's folder: that may be long as well, and must be the same for every process.
    return Path("/tmp") / f"sonorize-{os.getuid()}-{name}" / "broker.sock"


def broker_socket_url(data_dir: Path) -> str:
    """The embedded broker's address; quoted, because a folder's name may hold ``%``, ``#`` and ``?``."""
    return f"redis+socket://{_quoted(broker_socket(data_dir))}"


def sqlite_url(file: Path) -> str:
    """The address of a SQLite database, as SQLAlchemy reads it: with the file's path quoted."""
    return f"sqlite:///{_quoted(file)}"


def _quoted(path: Path) -> str:
    return quote(os.fsencode(path), safe="/ ")


def _kept_secret(path: Path) -> str:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as created:
            created.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()


class ClientSettings(_Sourced):
    """What ``sonorize submit`` goes by where the command line says nothing."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    server: str = "http://127.0.0.1:8080"
    api_key: str = Field(default="", repr=False)
