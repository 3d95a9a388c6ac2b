// The score as it lies on the server: read, saved by itself a moment after each edit, and what to do when somebody else
// saved meanwhile.

import { ask } from "../api.js";

const WAIT_MS = 700;
const LISTS = ["hits", "layers", "words", "stems"];
const VALUES = ["loudness_lufs", "limiter", "true_peak_dbtp"];
export const MEMBERS = [...LISTS, ...VALUES];

export const stateOf = (told) => Object.fromEntries(MEMBERS.map((name) => [name, told[name]]));

export class Draft extends EventTarget {
  /**
   * @param {string} address of the score of one take
   * @param {import("./document.js").Score} score
   * @param {object} told what that address answered
   */
  constructor(address, score, told) {
    super();
    Object.assign(this, { address, score, version: told.version, saved: score.state, state: "saved", reason: "", running: null });
    score.addEventListener("change", (event) => event.detail.edited && this.#later());
    this.leaving = () => this.#leave();
    window.addEventListener("pagehide", this.leaving);
  }

  get edited() {
    return this.#changes(this.score.state) !== null;
  }

  /** Save what is not saved yet; resolves to whether all of it is. */
  async flush() {
    clearTimeout(this.timer);
    while (this.edited && this.state !== "conflict") {
      this.running ??= this.#save().finally(() => (this.running = null));
      if (!(await this.running)) return false;
    }
    if (this.state === "edited" || this.state === "failed") this.#become("saved"); // it is again what was saved
    return this.state !== "conflict";
  }

  /** Take what somebody else saved, and let go of what is here. */
  async takeTheirs() {
    const told = await ask(this.address);
    this.version = told.version;
    this.score.replace(stateOf(told));
    this.saved = this.score.state;
    this.#become("saved");
  }

  /** Save what is here over what somebody else saved. */
  async keepMine(version) {
    this.version = version;
    this.saved = {};
    this.#become("edited");
    return this.flush();
  }

  #later() {
    if (this.state === "conflict") return this.#become("conflict", this.reason);
    this.#become("edited");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), WAIT_MS);
  }

  #changes(state) {
    const changed = MEMBERS.filter((name) => state[name] !== this.saved[name]);
    return changed.length ? Object.fromEntries(changed.map((name) => [name, state[name]])) : null;
  }

  async #save() {
    const sent = this.score.state;
    const changes = this.#changes(sent);
    this.#become("saving");
    try {
      const told = await ask(this.address, { method: "PATCH", body: { version: this.version, ...changes } });
      this.version = told.version;
      this.#absorb(told, sent);
      this.#become(this.edited ? "edited" : "saved");
      return true;
    } catch (error) {
      if (error.status === 409) {
        this.theirs = error.problem.version;
        this.#become("conflict", error.message);
      } else this.#become("failed", error.message);
      return false;
    }
  }

  /** What the server filled in goes where nobody edited since it was sent. */
  #absorb(told, sent) {
    const now = this.score.state;
    const merged = Object.fromEntries(MEMBERS.map((name) => [name, now[name] === sent[name] ? told[name] : now[name]]));
    this.saved = Object.fromEntries(MEMBERS.map((name) => [name, now[name] === sent[name] ? merged[name] : sent[name]]));
    this.score.absorb(merged);
  }

  #leave() {
    const changes = this.#changes(this.score.state);
    if (!changes || this.state === "conflict" || this.running) return;
    ask(this.address, { method: "PATCH", body: { version: this.version, ...changes }, keepalive: true }).catch(() => {});
  }

  #become(state, reason = "") {
    Object.assign(this, { state, reason });
    this.dispatchEvent(new Event("state"));
  }
}
