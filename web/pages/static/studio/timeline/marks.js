// Hits as marks: a bar where each sounds, as high as it is loud. Drag one, or move it with the arrow keys.

import { announce, clamp, el } from "../dom.js";
import { clock, frameOf } from "./timecode.js";

const HEIGHT_PX = 64;
const THRESHOLD_PX = 4; // a press that moves less is a click
const STRENGTH_STEP = 0.05;
const round = (time_s) => Math.round(time_s * 1e6) / 1e6;

export class Marks {
  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {object} editor `score`, `select(kind, id)`, `selected`, `snap`, `family(material)`
   */
  constructor(timeline, editor) {
    this.timeline = timeline;
    this.editor = editor;
    this.nodes = new Map();
    const add = el("button", { type: "button", className: "tl-add", title: "Add a hit at the playhead (M)", on: { click: () => this.add(timeline.transport.time_s) } }, "Add");
    this.lane = timeline.addRow({ name: "hits", label: "Hits", tools: [add], height_px: HEIGHT_PX });
    this.lane.row.classList.add("tl-marks");
    this.lane.body.addEventListener("dblclick", (event) => event.target === this.lane.body && this.add(timeline.timeAt(event)));
    this.lane.body.addEventListener("pointerdown", (event) => event.target === this.lane.body && timeline.transport.seek(timeline.timeAt(event)));
    timeline.addEventListener("layout", () => this.draw());
  }

  /** A new hit there, like the one that is nearest in time. */
  add(time_s) {
    const { score, defaults } = this.editor;
    const near = [...score.hits].sort((one, other) => Math.abs(one.time_s - time_s) - Math.abs(other.time_s - time_s))[0];
    const hit = {
      time_s: round(this.#snapped(time_s)), strength: near?.strength ?? 0.7, material: near?.material ?? defaults.material,
      exemplar: null, pan: near?.pan ?? 0, gain_db: 0,
    };
    const id = score.add("hits", hit, `a hit added at ${clock(hit.time_s)}`);
    this.editor.select("hits", id);
    this.focus(id);
  }

  focus(id) {
    this.nodes.get(id)?.focus({ preventScroll: true });
  }

  draw() {
    const { score, selected } = this.editor;
    const here = new Set();
    const tabbed = score.find("hits", selected?.kind === "hits" ? selected.id : null)?.id ?? score.hits[0]?.id;
    for (const [number, hit] of score.hits.entries()) {
      here.add(hit.id);
      const node = this.nodes.get(hit.id) ?? this.#make(hit.id);
      this.#dress(node, hit, number, hit.id === tabbed);
    }
    for (const [id, node] of this.nodes) {
      if (here.has(id)) continue;
      node.remove();
      this.nodes.delete(id);
    }
    this.lane.title.textContent = `Hits (${score.hits.length})`;
  }

  #dress(node, hit, number, tabbed) {
    const { selected } = this.editor;
    node.style.left = `${this.timeline.x(hit.time_s)}px`;
    node.style.setProperty("--strength", hit.strength);
    node.className = `tl-mark ${this.editor.family(hit.material)}`;
    node.tabIndex = tabbed ? 0 : -1;
    node.setAttribute("aria-pressed", selected?.kind === "hits" && selected.id === hit.id);
    const frame = frameOf(hit.time_s, this.timeline.transport.rate_fps);
    node.setAttribute("aria-label", `Hit ${number + 1} at ${clock(hit.time_s)}, frame ${frame}, ${hit.material}, strength ${Math.round(100 * hit.strength)} %`);
  }

  #make(id) {
    const node = el("button", { type: "button", data: { hit: id } }, el("i", {}));
    node.addEventListener("focus", () => this.editor.select("hits", id));
    node.addEventListener("keydown", (event) => this.#key(event, id));
    this.#drag(node, id);
    this.nodes.set(id, node);
    this.lane.body.append(node);
    return node;
  }

  #snapped(time_s) {
    const rate = this.timeline.transport.rate_fps;
    const held = clamp(time_s, 0, this.timeline.duration_s);
    return this.editor.snap ? clamp(Math.round(held * rate) / rate, 0, this.timeline.duration_s) : held;
  }

  #move(id, time_s, gesture) {
    const moved = round(clamp(time_s, 0, this.timeline.duration_s));
    this.editor.score.update("hits", id, { time_s: moved }, `a hit moved to ${clock(moved)}`, gesture);
  }

  #strengthen(id, strength, gesture) {
    const told = clamp(Math.round(100 * strength) / 100, 0, 1);
    this.editor.score.update("hits", id, { strength: told }, `a hit's strength set to ${Math.round(100 * told)} %`, gesture);
  }

  #key(event, id) {
    const { score } = this.editor;
    const hit = score.find("hits", id);
    if (!hit || event.altKey || event.ctrlKey || event.metaKey) return;
    const frame_s = (event.shiftKey ? 10 : 1) / this.timeline.transport.rate_fps;
    const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const along = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const beside = { PageUp: -1, PageDown: 1 }[event.key];
    if (sideways) {
      this.#move(id, hit.time_s + sideways * frame_s, `move ${id}`);
      const now = score.find("hits", id);
      announce(`${clock(now.time_s)}, frame ${frameOf(now.time_s, this.timeline.transport.rate_fps)}`);
    } else if (along) {
      this.#strengthen(id, hit.strength + along * STRENGTH_STEP, `strength ${id}`);
      announce(`strength ${Math.round(100 * score.find("hits", id).strength)} %`);
    } else if (beside || event.key === "Home" || event.key === "End") {
      const at = score.hits.findIndex((one) => one.id === id);
      const next = { Home: 0, End: score.hits.length - 1 }[event.key] ?? clamp(at + beside, 0, score.hits.length - 1);
      this.focus(score.hits[next].id);
      this.timeline.reveal(score.hits[next].time_s);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(id);
    else if (event.key === "Enter") this.timeline.transport.seek(hit.time_s);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  remove(id) {
    const { score } = this.editor;
    const at = score.hits.findIndex((one) => one.id === id);
    const hit = score.hits[at];
    const next = score.hits[at + 1] ?? score.hits[at - 1];
    score.remove("hits", id, `a hit at ${clock(hit.time_s)} deleted`);
    this.editor.select(next ? "hits" : null, next?.id ?? null);
    if (next) this.focus(next.id);
    else this.lane.head.querySelector("button")?.focus();
  }

  #drag(node, id) {
    let from = null;
    node.addEventListener("pointerdown", (event) => {
      const hit = this.editor.score.find("hits", id);
      if (event.button !== 0 || !hit) return;
      node.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, hit, axis: null };
      this.editor.score.endGesture();
    });
    node.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [across, down] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.axis && Math.max(Math.abs(across), Math.abs(down)) < THRESHOLD_PX) return;
      from.axis ??= Math.abs(across) >= Math.abs(down) ? "time" : "strength";
      if (from.axis === "time") this.#move(id, this.#snapped(from.hit.time_s + across / this.timeline.scale), `drag ${id}`);
      else this.#strengthen(id, from.hit.strength - down / HEIGHT_PX, `drag ${id}`);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      node.addEventListener(kind, () => {
        if (from && !from.axis) this.timeline.transport.seek(from.hit.time_s);
        from = null;
        this.editor.score.endGesture();
      });
    }
  }
}
