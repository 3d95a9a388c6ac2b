"""Music for a result: what was suggested, a listen to it, and the one click that lays it under the sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from synth.errors import OptionError
from synth.media.sound.bed import LEVEL_RANGE_LUFS, Bed
from synth.music.folder import track_file
from web.api import media
from web.api.jobs import accepted, reply
from web.api.operations import BODY, QUEUING, Operation, describes
from web.api.problems import Problem
from web.api.representations import music_json, outputs
from web.api.schemas import jobs as schemas
from web.api.schemas.files import Download
from web.api.schemas.music import LayMusic, Music
from web.context import owner, site
from workers.errors import NotFound
from workers.jobs import Job, State
from workers.owners.keys import Scope
from workers.records import MUSIC

blueprint = Blueprint("music", __name__)

NO_FOLDER: Final = "this server has no folder of music; whoever runs it can name one in SONORIZE_MUSIC"
MAX_VERSIONS: Final = 100  # of the newest are looked through for those of one job
_TYPES: Final = {
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
}
MEDIA_TYPES: Final = (*dict.fromkeys(_TYPES.values()), "application/octet-stream")
DEFAULT_LUFS: Final = Bed().level_lufs


@blueprint.get("/v1/jobs/<job_id>/music")
@describes(Operation("readMusic", "Music that fits the clip", {200: Music}, ("not-found",), scope=Scope.READ))
def suggestions(job_id: str) -> Response:
    """What was suggested for a job."""
    return reply(music_json(site().job(job_id)))


@blueprint.get("/v1/jobs/<job_id>/music/<int:number>")
@describes(
    Operation(
        "listenToMusic",
        "A suggested track, by its number in the list",
        {200: MEDIA_TYPES, 206: MEDIA_TYPES, 304: None},
        ("not-found", "range"),
        query=Download,
        headers=("Range", "If-None-Match"),
        scope=Scope.READ,
    )
)
def listen(job_id: str, number: int, query: Download) -> Response:
    """A suggested track itself, by its number among the suggestions, or the range of it that is asked for."""
    job, root = site().job(job_id), site().settings.music_dir
    found = (job.result or {}).get("music", {}).get("suggestions", ())
    if root is None or number >= len(found):
        raise Problem("not-found", NO_FOLDER if root is None else f"{len(found)} tracks were suggested for this job")
    try:
        path = track_file(root, str(found[number]["path"]))
    except OptionError as error:
        raise Problem("not-found", str(error)) from error
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    response = send_file(path, mimetype=kind, conditional=True, etag=True, max_age=0)
    response.headers["Cache-Control"] = "private, no-cache"  # the file may change under its name
    return media.dressed(response, path.name)


@blueprint.post("/v1/jobs/<job_id>/music")
@describes(
    Operation(
        "layMusic",
        "Lay a track of the server's folder of music under a take: a job of its own",
        {202: schemas.Job},
        (*BODY, "not-found", "conflict", *QUEUING),
        body=LayMusic,
        scope=Scope.WRITE,
    )
)
def lay(job_id: str, body: LayMusic) -> Response:
    """Lay a track under a take: a job of its own."""
    return accepted(_lay(site().job(job_id), body.model_dump(exclude_unset=True)))


@blueprint.post("/jobs/<job_id>/music")
def lay_by_form(job_id: str) -> AnyResponse:
    """The same by one click on the job's page."""
    made = _lay(site().job(job_id), request.form)
    return redirect(url_for("pages.job", job_id=made.id), 303)


@blueprint.app_template_filter("music")
def for_page(job: Job) -> dict[str, Any]:
    """What the section of the job's page needs: suggestions, the versions with music; of such a one, the plain one."""
    asked = job.info.get("music") or {}
    plain = None
    if asked:
        try:
            plain = site().job(str(asked["of"]))
        except NotFound:
            plain = None
    told = (job.result or {}).get("music")
    return {
        "told": told if site().settings.music_dir is not None else None,
        "level_lufs": DEFAULT_LUFS,
        "levels": LEVEL_RANGE_LUFS,
        "laid": next((entry["music"] for entry in outputs(job) if entry.get("music")), None),
        "plain": plain,
        "versions": versions(job) if told else [],
    }


def versions(job: Job) -> list[Job]:
    """The jobs that laid music under this one's takes, the newest first."""
    made, _ = site().jobs.recent(owner=job.owner, mode=MUSIC, limit=MAX_VERSIONS)
    return [one for one in made if one.info["music"]["of"] == job.id and one.state is not State.EXPIRED]


def _lay(job: Job, raw: Mapping[str, Any]) -> Job:
    root = site().settings.music_dir
    if root is None:
        raise Problem("not-found", NO_FOLDER)
    if job.mode == MUSIC:
        raise Problem("conflict", "there is music under this sound already; ask the result that it was laid under")
    takes = {entry["take"]: entry for entry in outputs(job)}
    if not takes:
        raise Problem("conflict", f"the job is {job.state}: there is no sound to lay music under yet")
    take = _number(raw, "take", min(takes))
    if take not in takes:
        raise OptionError(f"take is {take:g}; there are {', '.join(map(str, takes))}")
    level_lufs, (low, high) = _number(raw, "level_lufs", DEFAULT_LUFS), LEVEL_RANGE_LUFS
    if not low <= level_lufs <= high:
        raise OptionError(f"level_lufs is {level_lufs:g}; allowed is {low:g} to {high:g}")
    track = raw.get("track")
    if not isinstance(track, str) or not track:
        raise OptionError("track is missing: the path of a suggested track")
    track_file(root, track)  # refuses what is not in the folder
    return site().submitter.lay_music(job, takes[int(take)], {"track": track, "level_lufs": level_lufs}, owner())


def _number(raw: Mapping[str, Any], name: str, default: float) -> float:
    value = raw.get(name)
    if value in (None, ""):
        return default
    try:
        number = float(str(value))
    except ValueError as error:
        raise OptionError(f"{name} is {str(value)[:40]!r}; it must be a number") from error
    if number != number or isinstance(value, bool):
        raise OptionError(f"{name} is {value!r}; it must be a number")
    return number
