// Keys of the whole page. They leave fields alone, and whoever is disturbed by them turns them off.

import { el } from "./dom.js";

const KEPT_AS = "sonorize-single-keys";
const HELP = [
  ["Space, K", "play and pause"], ["J, L", "back and forth, again for faster"], [", and .", "one frame back, one on"],
  ["Home, End", "to the start, to the end"], ["1 – 8, or A – H", "hear that take here"], ["0", "hear the original here"],
  ["I, O", "the loop begins, ends here"], ["R", "loop on or off"], ["M", "add a hit here"], ["S", "snap to frames on or off"],
  ["+, −, \\", "zoom in, out, whole clip"], ["Ctrl Z, Ctrl Shift Z", "undo, redo"], ["Ctrl Enter", "make it sound"], ["?", "this list"],
];
const ON_A_MARK = [
  ["← →", "move it by a frame (Shift: ten)"], ["↑ ↓", "louder, quieter"], ["Page Up, Page Down", "the mark before, the next"], ["Delete", "take it away"], ["Enter", "go there"],
];

export class Keys {
  /** @param {Record<string, (event: KeyboardEvent) => void>} actions by key, as `Control+z`, `Shift+?` without its shift */
  constructor(actions) {
    this.actions = actions;
    this.on = localStorage.getItem(KEPT_AS) !== "off";
    document.addEventListener("keydown", (event) => this.#press(event));
    this.dialog = this.#help();
    document.body.append(this.dialog);
  }

  help() {
    this.dialog.showModal();
  }

  #press(event) {
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    const chord = event.ctrlKey || event.metaKey;
    const text = event.target.closest("input:not([type=range], [type=checkbox], [type=radio]), textarea, [contenteditable]");
    if (text && !(chord && event.key === "Enter")) return; // it has an undo of its own
    if (!chord && event.target.closest("select")) return;
    if (!chord && !this.on && event.key !== "?") return;
    const own = event.target.closest("button, a, summary, video, input, [role=slider]");
    if (own && [" ", "Enter", "Home", "End"].includes(event.key) && !chord) return; // they have a meaning there already
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = this.actions[`${chord ? "Control+" : ""}${chord && event.shiftKey ? "Shift+" : ""}${key}`];
    if (!action) return;
    event.preventDefault();
    action(event);
  }

  #help() {
    const list = (rows) => el("dl", { className: "keys" }, rows.map(([keys, words]) => el("div", {}, el("dt", {}, keys), el("dd", {}, words))));
    const single = el("input", { type: "checkbox", checked: this.on, on: { change: (event) => {
      this.on = event.target.checked;
      localStorage.setItem(KEPT_AS, this.on ? "on" : "off");
    } } });
    const title = el("h2", { id: "keys-title" }, "Keys");
    return el("dialog", { className: "sheetbox", aria: { labelledby: "keys-title" } },
      el("div", { className: "row" }, title, el("form", { method: "dialog" }, el("button", {}, "Close"))),
      list(HELP), el("h3", {}, "On a mark"), list(ON_A_MARK), el("label", { className: "switch" }, single, "Keys without Ctrl work"));
  }
}
