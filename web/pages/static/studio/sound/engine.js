// What is heard beside the player's own sound: decoded sounds that start together at the playhead and change places
// without a gap. The player's own sound runs through the same context and is turned down there, so that the player goes
// on showing that there is sound; where it cannot run there, the player itself is muted meanwhile.

const FADE_S = 0.008; // long enough that no switch clicks, short enough that none is heard as a fade
const DRIFT_S = 0.04; // further from the picture than this it is started again
const LOOK_MS = 400;
const AWAKE_MS = 300; // so long a context may take to begin; it never does before somebody touched the page

export const gainOf = (level_db) => (level_db === -Infinity ? 0 : 10 ** (level_db / 20));

export class Engine extends EventTarget {
  /** @param {import("../timeline/transport.js").Transport} transport */
  constructor(transport) {
    super();
    this.transport = transport;
    this.video = transport.video;
    this.context = null;
    this.buffers = new Map(); // address -> promise of a decoded sound
    this.voices = new Map(); // address -> {level_db, source, gain, at, from}
    this.wanted = []; // [{url, level_db}], empty: the player's own sound
    this.own_db = 0;
    this.out = null; // what our sounds go through: as loud as the player is set
    this.direct = null; // what the player's own sound goes through, once it runs through the context
    this.lowered = 1; // by what the player's volume was turned down while it does not
    this.turn = 0;
    this.video.addEventListener("play", () => this.context?.resume().catch(() => {}));
    for (const kind of ["playing", "seeked", "ratechange"]) this.video.addEventListener(kind, () => this.#restart());
    for (const kind of ["pause", "waiting", "seeking", "ended"]) this.video.addEventListener(kind, () => this.#silence());
    this.video.addEventListener("volumechange", () => this.#volume());
    setInterval(() => this.#keepTime(), LOOK_MS);
  }

  get busy() {
    return this.wanted.length > 0;
  }

  /** Hear the player's own sound, at a level of at most 0 dB. */
  own(level_db = 0) {
    this.turn += 1;
    this.wanted = [];
    this.own_db = level_db;
    this.#silence();
    this.#yield();
  }

  /**
   * Hear these sounds together instead.
   * @param {{url: string, level_db: number}[]} wanted
   * @returns {Promise<boolean>} whether they can be heard
   */
  async hear(wanted) {
    const turn = ++this.turn;
    const decoded = await Promise.all(wanted.map((one) => this.load(one.url)));
    if (turn !== this.turn) return true; // something else was asked for meanwhile
    if (decoded.some((buffer) => buffer === null)) return false;
    await this.#route();
    if (turn !== this.turn) return true;
    this.wanted = wanted;
    this.#takeOver();
    this.#reconcile();
    return true;
  }

  /** Decode a sound, once; null where it cannot be had. */
  load(url) {
    if (!this.buffers.has(url)) this.buffers.set(url, this.#decode(url));
    return this.buffers.get(url);
  }

  /** One sound on its own, now, without the picture. */
  async audition(url) {
    const buffer = await this.load(url);
    if (!buffer) return false;
    this.auditioned?.stop();
    await this.context.resume();
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.out);
    source.start();
    this.auditioned = source;
    return true;
  }

  async #decode(url) {
    try {
      this.#begin();
      const answer = await fetch(url);
      if (!answer.ok) return null;
      return await this.context.decodeAudioData(await answer.arrayBuffer());
    } catch {
      return null;
    }
  }

  #begin() {
    if (this.context) return;
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.out = new GainNode(this.context, { gain: this.#volumeNow });
    this.out.connect(this.context.destination);
  }

  /** Lead the player's sound through the context: only one that runs, and only sound of this server, which a context may read. */
  async #route() {
    if (this.direct) return;
    if (this.context.state !== "running") {
      await Promise.race([this.context.resume(), new Promise((resolve) => setTimeout(resolve, AWAKE_MS))]);
    }
    const ours = await fetch(this.video.currentSrc, { method: "HEAD", mode: "same-origin" }).then(({ ok }) => ok, () => false);
    if (this.direct || !ours || this.context.state !== "running") return;
    this.direct = new GainNode(this.context, { gain: gainOf(this.own_db) });
    new MediaElementAudioSourceNode(this.context, { mediaElement: this.video }).connect(this.direct).connect(this.context.destination);
    this.#lower(1);
    if (this.muting) this.video.muted = this.silenced ?? false;
    this.muting = false;
    this.#volume();
  }

  /** Our sounds instead of the player's own. */
  #takeOver() {
    if (this.direct) return this.#ramp(this.direct, 0);
    this.muting = true;
    this.video.muted = true;
  }

  /** The player's own sound again. */
  #yield() {
    if (this.direct) return this.#ramp(this.direct, gainOf(this.own_db));
    this.muting = false;
    this.video.muted = this.silenced ?? false;
    this.#lower(Math.min(1, gainOf(this.own_db)));
  }

  #ramp({ gain }, level) {
    gain.setTargetAtTime(level, this.context.currentTime, FADE_S);
  }

  /** Turn the player down by a factor of what somebody set it to. */
  #lower(factor) {
    this.video.volume = Math.min(1, this.video.volume / this.lowered) * factor;
    this.lowered = factor;
  }

  get #volumeNow() {
    const silent = this.muting ? this.silenced : this.video.muted;
    return silent ? 0 : Math.min(1, this.video.volume / this.lowered);
  }

  /** The player's own volume and mute button keep their meaning while we sound instead of it. */
  #volume() {
    if (this.muting && !this.video.muted) {
      this.silenced = !this.silenced;
      this.video.muted = true;
    }
    if (this.out) this.#ramp(this.out, this.#volumeNow);
  }

  /** Start what is wanted and not heard, stop what is heard and not wanted, set the levels of the rest. */
  #reconcile() {
    const wanted = new Map(this.wanted.map((one) => [one.url, one.level_db]));
    for (const url of [...this.voices.keys()]) if (!wanted.has(url)) this.#stop(url);
    if (this.video.paused || this.video.seeking) return;
    for (const [url, level_db] of wanted) {
      const voice = this.voices.get(url);
      const level = gainOf(level_db);
      if (voice) this.#ramp(voice.gain, level);
      else this.#start(url, level);
    }
  }

  async #start(url, level) {
    const turn = this.turn;
    const buffer = await this.load(url);
    if (this.context.state !== "running") await this.context.resume();
    if (turn !== this.turn || this.video.paused || !buffer || this.voices.has(url)) return;
    const now = this.context.currentTime;
    const from = this.video.currentTime + (this.context.outputLatency || 0);
    const gain = new GainNode(this.context, { gain: 0 });
    const source = new AudioBufferSourceNode(this.context, { buffer, playbackRate: this.video.playbackRate });
    source.connect(gain).connect(this.out);
    this.#ramp(gain, level);
    if (from < buffer.duration) source.start(now, from);
    this.voices.set(url, { source, gain, at: now, from });
  }

  #stop(url) {
    const { source, gain } = this.voices.get(url);
    this.voices.delete(url);
    this.#ramp(gain, 0);
    try {
      source.stop(this.context.currentTime + 6 * FADE_S);
    } catch {
      // it lay behind its own end and never started
    }
  }

  #silence() {
    for (const url of [...this.voices.keys()]) this.#stop(url);
  }

  #restart() {
    if (!this.busy) return;
    this.#silence();
    this.#reconcile();
  }

  #keepTime() {
    if (!this.busy || this.video.paused || this.video.seeking) return;
    for (const { at, from } of this.voices.values()) {
      const there = from + (this.context.currentTime - at) * this.video.playbackRate;
      if (Math.abs(there - this.video.currentTime - (this.context.outputLatency || 0)) > DRIFT_S) return this.#restart();
    }
  }
}
