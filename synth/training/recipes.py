"""All training recipes by name, as ``sonorize train`` lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from synth.training.ambient import call_shapes, recipes, video_recipes
from synth.training.audiovisual import ave, avol, crossmodal, l3, localizer, music, soundnet, tags, texture
from synth.training.hits import recipes as hits
from synth.training.speech import lsf_recipe, recogniser
from synth.training.speech import recipes as speech


@dataclass(frozen=True)
class Recipe:
    """A way to train something.

    Attributes:
        summary: one line for the list.
        run: ``run(folder=, data=, steps=, seed=, resume=)`` -> figures; what it trained lies in the folder, with a
            manifest of its own, ready for ``sonorize weights adopt``.
        takes: names of further arguments that ``run`` understands.
    """

    summary: str
    run: Callable[..., dict[str, Any]]
    takes: frozenset[str] = frozenset()


RECIPES: Final[dict[str, Recipe]] = {
    "hits-simulation": Recipe("the two-stream network on scenes of our own; needs no data", hits.train_simulation),
    "hits": Recipe("the two-stream network, fine-tuned on Greatest Hits clips and cross-validated", hits.train_hits),
    "hits-real-only": Recipe("as hits, without the scenes: what the real clips teach alone", hits.train_real_only),
    "ambient": Recipe(
        "the ambient decoder, on ESC-10 or any folder with one folder of sounds a class", recipes.train_ambient
    ),
    "ambient-variants": Recipe(
        "the ways a picture can reach the ambient decoder, side by side, against each other", recipes.train_variants
    ),
    "ambient-pitches": Recipe(
        "pitch and periodicity of the recordings that the shipped ambient decoder was trained on, into its bank",
        recipes.measure_pitches,
    ),
    "ambient-videos-frame": Recipe(
        "the ambient decoder on VEGAS or any folder of videos; looks through a vgg19.safetensors that lies there",
        video_recipes.train_frame,
    ),
    "ambient-videos-seq": Recipe("the same, with an LSTM that reads all pictures first", video_recipes.train_seq),
    "ambient-videos-flow": Recipe("the same, with what moves joined to what is seen", video_recipes.train_flow),
    "call-shapes": Recipe(
        "levels, pitch and voicing along calls of dogs, roosters, babies and sneezes, measured on ESC-10",
        call_shapes.measure_call_shapes,
    ),
    "speech": Recipe(
        "a voice pack for the speech voice, from GRID or any folder of videos of one person talking",
        speech.train_speech,
        frozenset({"speaker", "consent", "start", "minutes"}),
    ),
    "speech-variants": Recipe(
        "the lip reader with one part left out or exchanged at a time, all trained for the same number of steps",
        speech.train_variants,
    ),
    "speech-recogniser": Recipe(
        "the recogniser of GRID's sentences that judges the speech voice, from GRID's real sound",
        recogniser.train_recogniser,
    ),
    "speech-lsf": Recipe(
        "the lip reader's predecessor, to compare with: nine pictures to line spectra and a gain, spoken as a whisper",
        lsf_recipe.train_lsf,
        frozenset({"speaker"}),
    ),
    "l3": Recipe("L3-Net: whether picture and sound go together; scenes of our own, and clips of --data", l3.train_l3),
    "l3-scratch": Recipe("the same from pixels, without the packaged backbone", l3.train_l3_scratch),
    "ave": Recipe("AVE-Net: one space for pictures and sounds, for search and the ranking of takes", ave.train_ave),
    "avol": Recipe("AVOL-Net: where in the picture a sound comes from, learnt without boxes", avol.train_avol),
    "soundnet": Recipe(
        "SoundNet: raw sound, taught by a vision net on scenes with ESC-10 in them", soundnet.train_soundnet
    ),
    "soundnet-folds": Recipe(
        "the same, once for each fold of ESC-10 and without it, for the report", soundnet.train_folds
    ),
    "tags": Recipe("plain words for sounds, on features of SoundNet and of textures", tags.train_tags),
    "texture": Recipe("kinds of sound texture, and a net that expects one from a picture", texture.train_texture),
    "texture-scratch": Recipe("the same from pixels, without the packaged backbone", texture.train_texture_scratch),
    "localizer": Recipe(
        "where in the picture a sound comes from, by attention; from scenes, clips of --data, and drawn boxes",
        localizer.train_localizer,
        frozenset({"boxes"}),
    ),
    "localizer-variants": Recipe(
        "the same without supervision, with nothing else, and with both, side by side", localizer.train_variants
    ),
    "crossmodal": Recipe(
        "one space for pictures and sounds by their labels; from scenes, clips of --data, or a gallery's tags.jsonl",
        crossmodal.train_crossmodal,
    ),
    "crossmodal-variants": Recipe(
        "the same as it was published, and without its class term", crossmodal.train_variants
    ),
    "music": Recipe(
        "which music goes with a clip; from scenes of our own, or a folder of music videos", music.train_music
    ),
    "music-variants": Recipe("the same with a part of the loss left out or changed at a time", music.train_variants),
}
