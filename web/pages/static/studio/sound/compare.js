// Takes and the original, one at a time at the same playhead, as loud as each other.

import { announce, el } from "../dom.js";
import { loudnessOf } from "./loudness.js";

export const ORIGINAL = "original";
const LETTERS = "ABCDEFGH";

export class Compare extends EventTarget {
  /**
   * @param {HTMLElement} root the links to the takes, which work without scripts too
   * @param {object} studio `engine`, `transport`, `takes`, `page`, `mixer`
   */
  constructor(root, studio) {
    super();
    Object.assign(this, { root, studio, heard: null, turn: 0, matched: true, original: null, loudness: new Map() });
    this.own = studio.video.currentSrc || studio.video.src; // the take that the player itself sounds
    this.ownTake = studio.config.take;
    const match = el("input", { type: "checkbox", checked: true, on: { change: (event) => this.match(event.target.checked) } });
    this.originalButton = el("button", { type: "button", className: "take", hidden: true, aria: { pressed: "false" }, title: "The clip's own sound (0)",
      on: { click: () => this.listen(ORIGINAL) } }, el("b", {}, "Original"), el("small", {}, "key 0"));
    this.list = el("div", { className: "takelist", role: "group", aria: { label: "Takes, to hear in turn" } });
    root.replaceChildren(this.list, el("label", { className: "switch" }, match, "Equally loud"));
    this.draw();
  }

  get takes() {
    return this.studio.takes;
  }

  /** Whether the clip had sound: where it can be heard. */
  offerOriginal(url) {
    this.original = url;
    this.originalButton.hidden = false;
    this.root.hidden = false;
  }

  draw() {
    this.list.replaceChildren(...this.takes.map((one, place) => this.#button(one, place)), this.originalButton);
    this.root.hidden = this.takes.length < 2 && !this.original;
  }

  #button(one, place) {
    const best = one.rank === 1 && this.takes.some((other) => (other.rank ?? 1) > 1);
    const notes = [best && "fits best", one.parent !== null && `from take ${one.parent + 1}`, `seed ${one.seed}`].filter(Boolean);
    return el("button", {
      type: "button", className: `take${best ? " best" : ""}`, data: { take: one.take }, aria: { pressed: String(this.heard === one.take) },
      title: `Take ${one.take + 1}${place < LETTERS.length ? ` (${place + 1} or ${LETTERS[place]})` : ""}`, on: { click: () => this.choose(one.take) },
    }, el("b", {}, `Take ${one.take + 1}`), el("small", {}, best ? notes[0] : one.parent !== null ? notes[0] : notes.at(-1)));
  }

  /** By a key: the first, the second, ... take of the list. */
  chooseAt(place) {
    const one = this.takes[place];
    if (one) this.choose(one.take);
  }

  /** Work on a take, and hear it. */
  choose(take) {
    if (this.heard === take) return;
    this.listen(take);
    this.dispatchEvent(new CustomEvent("take", { detail: take }));
  }

  match(matched) {
    this.matched = matched;
    this.hear();
  }

  /** Hear something else at the playhead; a take that is only listened to is not opened. */
  listen(what) {
    if (what === ORIGINAL && !this.original) return;
    this.heard = what;
    for (const button of this.list.querySelectorAll("[data-take]")) button.setAttribute("aria-pressed", String(Number(button.dataset.take) === what));
    this.originalButton.setAttribute("aria-pressed", String(what === ORIGINAL));
    announce(what === ORIGINAL ? "Original" : `Take ${what + 1}`);
    return this.hear();
  }

  /** Bring the engine to what is to be heard now. */
  async hear() {
    const { engine, mixer } = this.studio;
    const turn = (this.turn += 1);
    const mixed = this.heard === ORIGINAL ? null : await mixer.voices();
    const level_db = await this.#level(this.heard);
    if (turn !== this.turn) return null; // something else was asked for meanwhile
    if (this.heard === ORIGINAL) return engine.hear([{ url: this.original, level_db }]);
    if (mixed) return engine.hear(mixed);
    if (this.heard === this.ownTake) return engine.own(level_db);
    const one = this.takes.find((take) => take.take === this.heard);
    if (!(await engine.hear([{ url: one.links.sound, level_db }]))) this.#swap(one);
  }

  /** Where a sound cannot be decoded, the player is given the other take's video. */
  #swap(one) {
    const { video } = this.studio;
    const { currentTime, paused } = video;
    video.src = one.links.video;
    this.ownTake = one.take;
    video.currentTime = currentTime;
    if (!paused) video.play().catch(() => {});
    this.studio.engine.own(0);
  }

  /** What brings a sound down to the quietest of all; never up, so that nothing clips. */
  async #level(what) {
    if (!this.matched) return 0;
    const known = this.takes.map((one) => one.loudness_lufs).filter((one) => one !== null);
    const own = what === ORIGINAL ? await this.#measured() : this.takes.find((one) => one.take === what)?.loudness_lufs;
    if (this.loudness.get(ORIGINAL) != null) known.push(this.loudness.get(ORIGINAL));
    return own == null || !known.length ? 0 : Math.min(0, Math.min(...known) - own);
  }

  async #measured() {
    if (!this.loudness.has(ORIGINAL)) {
      const buffer = await this.studio.engine.load(this.original);
      this.loudness.set(ORIGINAL, buffer ? await loudnessOf(buffer) : null);
    }
    return this.loudness.get(ORIGINAL);
  }
}
