// The picture's clock: play, frame steps, shuttle (J K L), a loop, and a beat for everything that follows the playhead.

import { clamp } from "../dom.js";
import { frameOf, seekTime } from "./timecode.js";

const SPEEDS = [1, 2, 4];

export class Transport extends EventTarget {
  /**
   * @param {HTMLVideoElement} video
   * @param {number} rate_fps frames a second of the picture
   * @param {number} duration_s of the clip
   */
  constructor(video, rate_fps, duration_s) {
    super();
    this.video = video;
    this.rate_fps = rate_fps > 0 ? rate_fps : 25;
    this.duration_s = duration_s;
    this.loop = null; // {start_s, end_s}
    this.looping = false;
    this.backwards = 0; // speed of a shuttle to the left, which no player can do by itself
    this.frames = 0;
    for (const kind of ["play", "pause", "seeking", "seeked", "ratechange", "loadedmetadata", "ended"]) {
      video.addEventListener(kind, () => this.#changed());
    }
    video.addEventListener("play", () => this.#run());
    video.addEventListener("ended", () => this.looping && this.#comeRound()); // no frame was drawn just before the end
  }

  get time_s() {
    return this.video.currentTime;
  }

  get frame() {
    return frameOf(this.time_s, this.rate_fps);
  }

  get lastFrame() {
    return Math.max(0, Math.ceil(this.duration_s * this.rate_fps - 1e-6) - 1);
  }

  get playing() {
    return !this.video.paused;
  }

  play() {
    this.backwards = 0;
    if (this.looping && this.loop && (this.time_s < this.loop.start_s || this.time_s >= this.loop.end_s)) this.seek(this.loop.start_s);
    if (this.video.ended) this.seek(0);
    return this.video.play().catch(() => {}); // a browser may want to be asked by the player's own button
  }

  pause() {
    this.backwards = 0;
    this.video.pause();
    this.video.playbackRate = 1;
  }

  toggle() {
    if (this.playing || this.backwards) this.pause();
    else {
      this.video.playbackRate = 1;
      this.play();
    }
  }

  seek(time_s) {
    this.video.currentTime = clamp(time_s, 0, this.duration_s);
  }

  /** To the frame so many frames from here; it stops there. */
  step(frames) {
    this.pause();
    this.video.currentTime = seekTime(clamp(this.frame + frames, 0, this.lastFrame), this.rate_fps);
  }

  /** J (-1) and L (+1): each press makes it faster; the other direction begins anew. */
  shuttle(direction) {
    const forwards = this.playing ? this.video.playbackRate : 0;
    const now = this.backwards || forwards;
    const next = (speed) => SPEEDS[Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed) + 1)] ?? 1;
    if (direction > 0) {
      this.video.playbackRate = this.playing && !this.backwards ? next(now) : 1;
      this.play();
      return;
    }
    this.video.pause();
    this.video.playbackRate = 1;
    const began = !this.backwards;
    this.backwards = this.backwards ? next(now) : 1;
    if (began) this.#rewind();
  }

  setLoop(loop) {
    this.loop = loop && loop.end_s - loop.start_s > 1 / this.rate_fps ? loop : null;
    this.looping = this.loop !== null;
    this.#changed("loop");
  }

  toggleLoop() {
    this.looping = !this.looping;
    if (this.looping && !this.loop) this.loop = { start_s: 0, end_s: this.duration_s };
    this.#changed("loop");
  }

  #changed(kind = "tick") {
    this.dispatchEvent(new Event(kind));
    if (kind !== "tick") this.dispatchEvent(new Event("tick"));
  }

  #comeRound() {
    this.seek(this.loop.start_s);
    return this.play();
  }

  #run() {
    if (!this.playing) return;
    if (this.looping && this.loop && this.time_s >= this.loop.end_s - 0.5 / this.rate_fps) this.seek(this.loop.start_s);
    this.#changed();
    requestAnimationFrame(() => this.#run());
  }

  #rewind(before = performance.now()) {
    requestAnimationFrame((now) => {
      if (!this.backwards) return;
      const wait_ms = 1000 / Math.min(24, this.rate_fps);
      if (now - before < wait_ms || this.video.seeking) return this.#rewind(before);
      this.seek(this.time_s - (this.backwards * (now - before)) / 1000);
      if (this.time_s <= 0) this.pause();
      this.#rewind(now);
    });
  }
}
