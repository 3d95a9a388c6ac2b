"""Segments of long beds: where they lie, how they are joined, and that their seams are like the rest of the sound."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.options import Options
from synth.randomness import uniforms
from synth.sampler.folding import fold
from synth.sampler.native import NativeSampler
from synth.sampler.packing import pack
from synth.voices.ambient import band_envelopes, scene, segments, voice
from synth.voices.ambient.segments import FADE_S, STEP_S, Segment, faded_in, joined, plan
from synth.voices.ambient.sounding import Decoder, Sounding
from synth.voices.base import Controls, SoundChoice, Take, ignore_progress, never_cancelled

RATE_HZ = 16_000
LONG_S = 4 * STEP_S + 1.0


@pytest.mark.parametrize("top", [16, 64, 4096])
@pytest.mark.parametrize("duration_s", [0.3, 5.0, 10.0, 61.3, 600.0])
def test_segments_cover_the_sound_and_overlap_by_their_fades(top: int, duration_s: float) -> None:
    count = round(duration_s * RATE_HZ) // top * top
    made = plan(count, top, RATE_HZ)
    assert [segment.number for segment in made] == list(range(len(made)))
    assert (made[0].first, made[0].heard, made[0].fade, made[-1].end) == (0, 0, 0, count)
    for before, after in itertools.pairwise(made):
        assert before.end == after.heard + after.fade
        assert after.first < after.heard < after.heard + after.fade < after.end
    assert all(edge % top == 0 for segment in made for edge in (segment.first, segment.heard, segment.end))
    assert len(made) == max(1, round(count / round(STEP_S * RATE_HZ)))


def test_a_fade_of_independent_sounds_keeps_their_power() -> None:
    rng = np.random.default_rng(0)
    before, after = (rng.standard_normal(200_000).astype(np.float32) for _ in range(2))
    mixed = faded_in(before, after)
    for part in np.split(mixed, 10):
        assert np.mean(part**2) == pytest.approx(1.0, abs=0.05)
    assert np.allclose(mixed[:3], before[:3], atol=1e-3)
    assert np.allclose(mixed[-3:], after[-3:], atol=1e-3)


def test_what_is_kept_ends_where_the_first_gap_is() -> None:
    pieces = [Segment(0, 0, 0, 12, 0), Segment(1, 6, 8, 20, 4), Segment(2, 14, 16, 24, 4)]

    def reached(*lengths: int) -> int:
        made = [(one, np.ones(length, np.float32)) for one, length in zip(pieces, lengths, strict=False)]
        sound, end = joined(24, made)
        assert not sound[end:].any()
        assert (sound[:end] > 0.99).all()
        return end

    assert reached(12, 14, 10) == 24
    assert reached(12, 14, 7) == 21
    assert reached(12, 14, 5) == 20  # within the fade: the segment before it goes to its own end
    assert reached(12, 9, 10) == 15
    assert reached(7, 14, 10) == 7
    assert reached(0, 0, 0) == 0


# --- the decoder that ships ---------------------------------------------------------------------------------------


@functools.cache
def _decoder() -> Decoder:
    return voice.load()


def _take(name: str, duration_s: float, seed: int = 3) -> Take:
    track = np.full((round(duration_s * scene.RATE_HZ), 1), 0.5, np.float32)
    choice = SoundChoice(name, 1.0, {}, fits=True, reason="asked for")
    controls = Controls(duration_s, track=track, track_rate_hz=scene.RATE_HZ, choice=choice)
    return Take(controls, Options(seed=seed), functools.partial(uniforms, seed), ignore_progress, never_cancelled)


def _seam_steps(duration_s: float, steps: int) -> NDArray[np.bool_]:
    """Which steps of 256 samples lie in a cross-fade."""
    at = np.zeros(steps, bool)
    for segment in plan(round(duration_s * RATE_HZ) // 64 * 64, 64, RATE_HZ):
        at[segment.heard // 256 : (segment.heard + segment.fade) // 256] = True
    return at


@pytest.mark.parametrize("name", sorted(segments.SEGMENTED))
def test_seams_are_like_the_rest_of_the_sound(name: str) -> None:
    """Band levels, and bits a sample by the decoder itself, in windows as long as a fade: none at a seam stands out."""
    decoder, take = _decoder(), _take(name, LONG_S)
    (rendering,) = voice.render_all(decoder, [take])
    whole = Sounding(decoder, take, segmented=False)
    (stretch,) = whole.stretches(1)  # the same conditioning, from the first sample to the last
    assert whole.guide is not None
    coding, top = decoder.network.config.decoder, decoder.sampler.shape.top_frame
    frames = len(rendering.sound) // top
    levels = coding.encode(rendering.sound[: frames * top])
    logs = decoder.sampler.log_probabilities(levels, stretch.conditioning(frames), stretch.stream)
    bits = -logs[np.arange(len(levels)), levels] / np.log(2)
    window = round(FADE_S * RATE_HZ)
    count = len(bits) // window
    by_window = bits[: count * window].reshape(count, window).mean(1)
    seams = [round(number * STEP_S * RATE_HZ) // window for number in range(1, len(plan(frames * top, top, RATE_HZ)))]
    elsewhere = np.delete(by_window, seams)
    assert len(seams) == 3
    assert by_window[seams].mean() < elsewhere.mean() + 2 * elsewhere.std() / np.sqrt(len(seams))
    assert by_window[seams].max() < elsewhere.max() + elsewhere.std()

    found = band_envelopes.band_levels(rendering.sound)
    wanted = whole.guide.levels[: len(found)]
    off_db = np.abs(found[: len(wanted)] - wanted).mean(1) * band_envelopes.RANGE_DB
    at = _seam_steps(LONG_S, len(off_db))
    assert off_db[at].mean() < off_db[~at].mean() + 0.5
    assert np.quantile(off_db[at], 0.95) < np.quantile(off_db[~at], 0.95) + 1.0


def test_a_long_bed_is_the_same_bytes_on_every_machine_and_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder, duration_s = _decoder(), 2 * STEP_S
    (alone,) = voice.render_all(decoder, [_take("rain", duration_s)])
    packed = pack(fold(decoder.network.decoder), decoder.sampler.precision)
    portable = NativeSampler(packed, threads=2, instruction_set="portable")
    (slowly,) = voice.render_all(dataclasses.replace(decoder, sampler=portable), [_take("rain", duration_s)])
    assert np.array_equal(alone.sound, slowly.sound)
    monkeypatch.setattr(voice, "MOST_STREAMS", 2)  # one segment of each after the other
    in_company = voice.render_all(decoder, [_take("rain", duration_s), _take("dog", 1.0, 4)])
    assert np.array_equal(alone.sound, in_company[0].sound)


def test_a_long_bed_that_is_cancelled_keeps_what_has_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "MOST_STREAMS", 2)
    polls = iter(range(1000))
    most = round((STEP_S + FADE_S) / voice.CHUNK_S) + 3  # beyond the first two segments, of four
    take = dataclasses.replace(_take("rain", LONG_S), cancelled=lambda: next(polls) >= most)
    (cut,) = voice.render_all(_decoder(), [take])
    assert cut.made_s is not None
    assert 2 * STEP_S + FADE_S - 0.01 <= cut.made_s < 3 * STEP_S
    made = round(cut.made_s * RATE_HZ)
    assert np.abs(cut.sound[made - 4000 : made]).max() > 0
    assert not cut.sound[made:].any()


def test_other_sounds_and_short_ones_stay_one_stream() -> None:
    for name, duration_s in (("dog", 2 * STEP_S), ("rain", STEP_S)):
        take = _take(name, duration_s)
        assert len(Sounding(_decoder(), take).stretches(64)) == 1
        ours, before = (voice.render_all(_decoder(), [take], segmented=choice)[0].sound for choice in (True, False))
        assert np.array_equal(ours, before)
