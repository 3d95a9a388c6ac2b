// The bar over the timeline: transport, where the playhead is, zoom, undo, whether the draft is kept, "Make it sound".

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { clock, timecode } from "./timeline/timecode.js";

const STATES = { saved: "Saved", edited: "Not saved yet", saving: "Saving …", failed: "Not saved", conflict: "Changed elsewhere" };

/** Not `disabled`: a button that has the focus would swallow every key from then on. */
const off = (button, nothing) => button.setAttribute("aria-disabled", String(nothing));

export class Toolbar {
  /**
   * @param {HTMLElement} root
   * @param {object} studio `transport`, `timeline`, and what the buttons do: `undo`, `redo`, `make`, `cancel`, `help`, `snap`
   */
  constructor(root, studio) {
    this.studio = studio;
    const { transport, timeline } = studio;
    const button = (sign, label, click, more = {}) => el("button", { type: "button", title: label, aria: { label }, on: { click }, ...more }, icon(sign));
    this.play = button("play", "Play (Space)", () => transport.toggle(), { className: "tb-play" });
    this.loop = button("loop", "Loop (R)", () => transport.toggleLoop());
    this.undo = button("undo", "Undo (Ctrl Z)", () => studio.undo());
    this.redo = button("redo", "Do again (Ctrl Shift Z)", () => studio.redo());
    this.code = el("output", { className: "tb-code", aria: { live: "off" } });
    this.frame = el("output", { className: "tb-frame", aria: { live: "off" } });
    this.zoom = el("input", { type: "range", min: 0, max: 100, value: 0, step: 1, aria: { label: "Zoom" } });
    this.zoom.addEventListener("input", () => timeline.setZoom(timeline.most ** (this.zoom.value / 100)));
    this.snap = el("input", { type: "checkbox", checked: true, on: { change: () => (studio.snap = this.snap.checked) } });
    this.state = el("span", { className: "tb-state", role: "status" });
    this.make = el("button", { type: "button", className: "primary tb-make", data: { make: "" }, title: "Render what you changed as a new take (Ctrl Enter)", on: { click: () => studio.make() } }, "Make it sound");
    this.stop = el("button", { type: "button", hidden: true, on: { click: () => studio.cancel() } }, "Stop");
    root.replaceChildren(
      el("div", { className: "tb-group" }, button("start", "To the start", () => transport.seek(0)), button("back", "A frame back (,)", () => transport.step(-1)),
        this.play, button("forth", "A frame on (.)", () => transport.step(1)), this.loop),
      el("div", { className: "tb-group tb-where" }, this.code, this.frame),
      el("div", { className: "tb-group tb-zoom" }, button("minus", "Zoom out (−)", () => timeline.setZoom(timeline.zoom / 1.5)), this.zoom,
        button("plus", "Zoom in (+)", () => timeline.setZoom(timeline.zoom * 1.5)), el("button", { type: "button", title: "The whole clip (\\)", on: { click: () => timeline.setZoom(1) } }, "Fit")),
      el("label", { className: "switch", title: "What is dragged lands on frames (S)" }, this.snap, "Snap"),
      el("div", { className: "tb-group" }, this.undo, this.redo, button("keys", "Keys (?)", () => studio.help())),
      el("div", { className: "tb-group tb-end" }, this.state, this.stop, this.make),
    );
    for (const kind of ["tick", "loop"]) transport.addEventListener(kind, () => this.#tick());
    timeline.addEventListener("layout", () => (this.zoom.value = (100 * Math.log(timeline.zoom)) / Math.log(Math.max(1.001, timeline.most))));
    this.#tick();
  }

  #tick() {
    const { transport } = this.studio;
    const running = transport.playing || transport.backwards > 0;
    if (this.running !== running) {
      this.running = running;
      this.play.replaceChildren(icon(running ? "pause" : "play"));
      this.play.setAttribute("aria-label", running ? "Pause (Space)" : "Play (Space)");
    }
    this.loop.setAttribute("aria-pressed", String(transport.looping));
    this.code.textContent = timecode(transport.time_s, transport.rate_fps);
    this.frame.textContent = `${clock(transport.time_s)} · frame ${transport.frame}`;
  }

  /** @param {import("./score/session.js").Session} session the take that is worked on */
  draw({ score, draft, changed }, { making = null, locked = false } = {}) {
    const [undone, redone] = [score.past.at(-1), score.future.at(-1)];
    off(this.undo, !undone);
    off(this.redo, !redone);
    this.undo.title = undone ? `Undo: ${undone.label} (Ctrl Z)` : "Nothing to undo";
    this.redo.title = redone ? `Do again: ${redone.label} (Ctrl Shift Z)` : "Nothing to do again";
    this.stop.hidden = !making;
    off(this.make, locked || Boolean(making) || !changed);
    this.make.textContent = making ? `Making … ${Math.round(100 * making.progress)} %` : "Make it sound";
    this.make.setAttribute("aria-busy", String(Boolean(making)));
    const words = !changed && draft.state === "saved" ? "As made" : STATES[draft.state];
    if (this.state.textContent !== words) this.state.textContent = words;
    this.state.title = draft.reason;
    this.state.dataset.state = draft.state;
  }
}
