"""Every error that Sonorize raises on purpose.

The tree::

    SynthError              the caller may show its text to a person as it stands
    ├── OptionError         an option, a setting or an edited hit list is not allowed
    ├── MediaError          a media file cannot be read, or a result cannot be written
    │   └── TimeLimitError  reading or writing it took longer than is allowed; elsewhere or later it may not
    ├── WeightsError        weights or a sound bank are missing, damaged or of another version
    └── Cancelled           the caller asked to stop; nothing went wrong

Each message is one plain sentence that says what was wrong, what it was and what is allowed.
Errors of other libraries are translated once, at the edge where they appear, with ``from``.
"""


class SynthError(Exception):
    """Base of all errors raised on purpose; its text is fit to be shown to a person."""


class OptionError(SynthError):
    """An option has a value that is not allowed, or two options contradict each other."""


class MediaError(SynthError):
    """A media file is unreadable, refused by the limits, or cannot be written."""


class TimeLimitError(MediaError):
    """Work on a media file took longer than is allowed, which says more of the machine than of the file."""


class WeightsError(SynthError):
    """Weights or a sound bank are missing, damaged, or do not fit the code that loads them."""


class Cancelled(SynthError):
    """The caller asked to stop."""
