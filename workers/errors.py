"""Every error that the queue's side raises on purpose.

The tree::

    WorkError               the caller may show its text to a person as it stands
    ├── NotFound            there is no such job, or it is somebody else's
    │   └── Gone            there was one, and it was the caller's
    ├── Conflict            the request contradicts what is there already
    │   └── Locked          somebody else is writing to the same thing
    ├── ChecksumMismatch    what arrived is not what was announced
    ├── QueueFull           too many jobs wait; later is better
    ├── OverQuota           more than this owner may have
    ├── TooMany             the caller has as many of these as one may have
    ├── DatabaseError       the database cannot be reached or is busy for too long
    │   ├── DatabaseFull    there is no room to write a change down
    │   └── DatabaseDamaged its file holds what cannot be right
    ├── StorageError        files cannot be stored or fetched
    │   ├── StorageAway     the storage does not answer; later it may
    │   ├── ObjectNotFound  nothing is stored under this key (a NotFound too)
    │   └── ObjectDamaged   what is stored under this key is not what was put there
    └── ServiceError        a program of the embedded default does not start

Errors of other libraries are translated once, at the edge where they appear, with ``from``.
"""


class WorkError(Exception):
    """Base of all errors raised on purpose here; its text is fit to be shown to a person."""


class NotFound(WorkError):
    """There is no such thing, or it belongs to somebody else: the two must not be told apart."""


class Gone(NotFound):
    """There was such a thing of the caller's: it expired or was deleted."""


class Conflict(WorkError):
    """The request contradicts what is there already."""


class Locked(Conflict):
    """Somebody else is writing to the same thing at this moment."""


class ChecksumMismatch(WorkError):
    """What arrived is not what was announced."""


class QueueFull(WorkError):
    """As many jobs wait as are allowed to."""


class OverQuota(WorkError):
    """An owner asks for more than the operator lets them have.

    Attributes:
        of: ``bytes``, ``queued`` or ``sound``.
        retry_after_s: when it may be different; ``None`` where only the owner can make room.
    """

    def __init__(self, message: str, of: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.of, self.retry_after_s = of, retry_after_s


class TooMany(WorkError):
    """The caller has as many of these as one may have."""


class DatabaseError(WorkError):
    """The database cannot be reached, or was busy for longer than a request may wait."""


class DatabaseFull(DatabaseError):
    """The disk has no room for what is to be written down."""


class DatabaseDamaged(DatabaseError):
    """The database's file holds what cannot be right: it has to be restored from a copy."""


class StorageError(WorkError):
    """A file cannot be stored, fetched or deleted."""


class StorageAway(StorageError):
    """The storage does not answer, or is too busy: what is to be stored can wait."""


class ObjectNotFound(StorageError, NotFound):
    """Nothing is stored under this key."""


class ObjectDamaged(StorageError):
    """What is stored under this key is not what was put there."""


class ServiceError(WorkError):
    """A program that the embedded default needs is missing or does not start."""
