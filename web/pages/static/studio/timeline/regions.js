// Layers of ambience and spoken words as regions: move one, or an end of it, with the pointer or the arrow keys.

import { announce, clamp, el } from "../dom.js";
import { clock } from "./timecode.js";

const TRACK_PX = 30;
const THRESHOLD_PX = 4;
const round = (time_s) => Math.round(time_s * 1e6) / 1e6;

export class Regions {
  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {object} editor as of marks
   * @param {{kind: "layers"|"words", label: string, one: string, name: (entry: object) => string, fresh: (start_s: number, end_s: number) => object}} what
   */
  constructor(timeline, editor, what) {
    Object.assign(this, { timeline, editor, what, nodes: new Map() });
    const add = el("button", {
      type: "button", className: "tl-add", title: `Add ${what.one} at the playhead`,
      on: { click: () => this.add(timeline.transport.time_s) },
    }, "Add");
    this.lane = timeline.addRow({ name: what.kind, label: what.label, tools: [add], height_px: TRACK_PX + 4 });
    this.lane.row.classList.add("tl-regions");
    this.lane.body.addEventListener("dblclick", (event) => event.target === this.lane.body && this.add(timeline.timeAt(event)));
    this.lane.body.addEventListener("pointerdown", (event) => event.target === this.lane.body && timeline.transport.seek(timeline.timeAt(event)));
    timeline.addEventListener("layout", () => this.draw());
  }

  get entries() {
    return this.editor.score[this.what.kind];
  }

  add(time_s) {
    const length_s = this.what.kind === "words" ? 0.4 : 2;
    const start_s = clamp(time_s, 0, Math.max(0, this.timeline.duration_s - 0.1));
    const entry = this.what.fresh(round(start_s), round(Math.min(this.timeline.duration_s, start_s + length_s)));
    const id = this.editor.score.add(this.what.kind, entry, `${this.what.one} added at ${clock(start_s)}`);
    this.editor.select(this.what.kind, id);
    this.focus(id);
  }

  focus(id) {
    this.nodes.get(id)?.focus({ preventScroll: true });
  }

  edges(entry) {
    return [entry.start_s ?? 0, entry.end_s ?? this.timeline.duration_s];
  }

  draw() {
    const ends = []; // of the tracks, so that what sounds together lies one under the other
    const { selected } = this.editor;
    for (const entry of this.entries) {
      const [start_s, end_s] = this.edges(entry);
      const free = ends.findIndex((end) => end <= start_s + 1e-6);
      const track = free < 0 ? ends.length : free;
      ends[track] = end_s;
      const node = this.nodes.get(entry.id) ?? this.#make(entry.id);
      node.style.left = `${this.timeline.x(start_s)}px`;
      node.style.width = `${Math.max(24, this.timeline.x(end_s - start_s))}px`;
      node.style.top = `${2 + track * TRACK_PX}px`;
      node.setAttribute("aria-pressed", selected?.kind === this.what.kind && selected.id === entry.id);
      node.setAttribute("aria-label", `${this.what.name(entry)}, ${clock(start_s)} to ${clock(end_s)}`);
      node.firstChild.textContent = this.what.name(entry);
    }
    for (const [id, node] of this.nodes) {
      if (this.entries.some((entry) => entry.id === id)) continue;
      node.remove();
      this.nodes.delete(id);
    }
    this.lane.body.style.height = `${4 + Math.max(1, ends.length) * TRACK_PX}px`;
    this.lane.title.textContent = `${this.what.label} (${this.entries.length})`;
  }

  remove(id) {
    const entry = this.editor.score.find(this.what.kind, id);
    this.editor.score.remove(this.what.kind, id, `${this.what.name(entry)} deleted`);
    this.editor.select(null, null);
    this.lane.head.querySelector("button")?.focus();
  }

  #make(id) {
    const node = el("button", { type: "button", className: `tl-region ${this.what.kind}`, data: { region: id } },
      el("span", { className: "tl-label" }), el("i", { className: "tl-edge start" }), el("i", { className: "tl-edge end" }));
    node.addEventListener("focus", () => this.editor.select(this.what.kind, id));
    node.addEventListener("keydown", (event) => this.#key(event, id));
    this.#drag(node, id);
    this.nodes.set(id, node);
    this.lane.body.append(node);
    return node;
  }

  /** Move the start, the end or both by so many seconds from where they were. */
  #shift(id, [start_s, end_s], edge, by_s, gesture) {
    const whole_s = this.timeline.duration_s;
    const least_s = 1 / this.timeline.transport.rate_fps;
    let [from, to] = [start_s, end_s];
    if (edge === "start") from = clamp(start_s + by_s, 0, end_s - least_s);
    else if (edge === "end") to = clamp(end_s + by_s, start_s + least_s, whole_s);
    else {
      const held_s = clamp(by_s, -start_s, whole_s - end_s);
      [from, to] = [start_s + held_s, end_s + held_s];
    }
    const entry = this.editor.score.find(this.what.kind, id);
    const values = { start_s: round(from), end_s: round(to) };
    this.editor.score.update(this.what.kind, id, values, `${this.what.name(entry)} set to ${clock(from)} – ${clock(to)}`, gesture);
  }

  #key(event, id) {
    const entry = this.editor.score.find(this.what.kind, id);
    if (!entry || event.ctrlKey || event.metaKey) return;
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const beside = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (direction) {
      const edge = event.altKey ? "start" : event.shiftKey ? "end" : "both";
      this.#shift(id, this.edges(entry), edge, direction / this.timeline.transport.rate_fps, `keys ${edge} ${id}`);
      announce(this.edges(this.editor.score.find(this.what.kind, id)).map(clock).join(" to "));
    } else if (beside) {
      const at = this.entries.findIndex((one) => one.id === id);
      this.focus(this.entries[clamp(at + beside, 0, this.entries.length - 1)].id);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(id);
    else if (event.key === "Enter") this.timeline.transport.seek(this.edges(entry)[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #drag(node, id) {
    let from = null;
    node.addEventListener("pointerdown", (event) => {
      const entry = this.editor.score.find(this.what.kind, id);
      if (event.button !== 0 || !entry) return;
      node.setPointerCapture(event.pointerId);
      const edge = event.target.classList.contains("start") ? "start" : event.target.classList.contains("end") ? "end" : "both";
      from = { x: event.clientX, edges: this.edges(entry), edge, moved: false };
      this.editor.score.endGesture();
    });
    node.addEventListener("pointermove", (event) => {
      if (!from) return;
      const across = event.clientX - from.x;
      if (!from.moved && Math.abs(across) < THRESHOLD_PX) return;
      from.moved = true;
      this.#shift(id, from.edges, from.edge, across / this.timeline.scale, `drag ${id}`);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      node.addEventListener(kind, () => {
        from = null;
        this.editor.score.endGesture();
      });
    }
  }
}
