// The frame that all lanes hang in: scale, scrolling, ruler, playhead and loop. Lanes add rows and are told of changes.

import { clamp, colour, el, oncePerFrame } from "../dom.js";
import { clock, frameOf, timecode } from "./timecode.js";

const MOST_PX_S = 3000;
const STEPS_S = [1 / 100, 1 / 50, 1 / 20, 1 / 10, 1 / 5, 1 / 2, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const LABEL_PX = 92; // room for one label of the ruler
const FRAMES_FROM_PX = 7; // frames are drawn when each has so much room
const KEEP_IN_VIEW = 0.92;

export class Timeline extends EventTarget {
  /**
   * @param {HTMLElement} root
   * @param {import("./transport.js").Transport} transport
   */
  constructor(root, transport) {
    super();
    this.transport = transport;
    this.duration_s = transport.duration_s;
    this.zoom = 1; // 1 shows the whole clip
    this.rows = el("div", { className: "tl-rows" });
    this.head = el("div", { className: "tl-playhead", aria: { hidden: "true" } });
    this.band = el("div", { className: "tl-loop", hidden: true, aria: { hidden: "true" } });
    this.grid = el("div", { className: "tl-grid" }, this.band, this.rows, this.head);
    this.scroller = el("div", { className: "tl-scroll" }, this.grid);
    root.replaceChildren(this.scroller);
    this.#ruler();
    this.#listen();
    this.resize();
  }

  /** Pixels a second. */
  get scale() {
    return (this.zoom * this.view_px) / this.duration_s;
  }

  get width_px() {
    return this.scale * this.duration_s;
  }

  get most() {
    return Math.max(1, (MOST_PX_S * this.duration_s) / this.view_px);
  }

  x(time_s) {
    return time_s * this.scale;
  }

  /** The moment under a pointer. */
  timeAt(event) {
    const left = this.ruler.getBoundingClientRect().left;
    return clamp((event.clientX - left) / this.scale, 0, this.duration_s);
  }

  /** A row with a head at its left that stays, and a body as long as the clip. */
  addRow({ name, label, tools = [], height_px, before = null }) {
    const title = el("span", { className: "tl-name", id: `lane-${name}` }, label);
    const head = el("div", { className: "tl-head" }, title, el("span", { className: "tl-tools" }, ...tools));
    const body = el("div", { className: "tl-body" });
    const row = el("div", { className: "tl-row", role: "group", data: { lane: name }, aria: { labelledby: title.id } }, head, body);
    if (height_px) body.style.height = `${height_px}px`;
    this.rows.insertBefore(row, before);
    return { row, head, body, title };
  }

  setZoom(zoom, around_s = this.transport.time_s) {
    const before_px = this.x(around_s) - this.scroller.scrollLeft;
    this.zoom = clamp(zoom, 1, this.most);
    this.#lay();
    this.scroller.scrollLeft = this.x(around_s) - before_px;
  }

  resize() {
    const head_px = parseFloat(getComputedStyle(this.scroller).getPropertyValue("--head-px")) || 0;
    this.view_px = Math.max(80, this.scroller.clientWidth - head_px);
    this.zoom = clamp(this.zoom, 1, this.most);
    this.#lay();
  }

  /** Scroll so that a moment is seen. */
  reveal(time_s) {
    const left = this.scroller.scrollLeft;
    const x = this.x(time_s);
    if (x < left || x > left + KEEP_IN_VIEW * this.view_px) this.scroller.scrollLeft = Math.max(0, x - 0.1 * this.view_px);
  }

  #lay() {
    this.grid.style.setProperty("--width", `${this.width_px}px`);
    this.grid.style.setProperty("--view", `${this.view_px}px`);
    this.#drawRuler();
    this.#follow();
    this.#loop();
    this.dispatchEvent(new Event("layout"));
  }

  #ruler() {
    this.canvas = el("canvas", { className: "tl-view", height: 56, aria: { hidden: "true" } });
    const { body, row } = this.addRow({ name: "time", label: "Time", height_px: 28 });
    row.classList.add("tl-ruler");
    body.append(this.canvas);
    Object.assign(body, { tabIndex: 0 });
    body.setAttribute("role", "slider");
    body.setAttribute("aria-label", "Playhead");
    body.setAttribute("aria-valuemin", "0");
    body.setAttribute("aria-valuemax", this.transport.lastFrame);
    this.ruler = body;
    this.#scrub();
  }

  #scrub() {
    let from = null;
    this.ruler.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.ruler.setPointerCapture(event.pointerId);
      from = { time_s: this.timeAt(event), range: event.shiftKey };
      if (!from.range) this.transport.seek(from.time_s);
    });
    this.ruler.addEventListener("pointermove", (event) => {
      if (!from) return;
      const now_s = this.timeAt(event);
      if (from.range) this.transport.setLoop({ start_s: Math.min(from.time_s, now_s), end_s: Math.max(from.time_s, now_s) });
      else this.transport.seek(now_s);
    });
    for (const kind of ["pointerup", "pointercancel"]) this.ruler.addEventListener(kind, () => (from = null));
    this.ruler.addEventListener("keydown", (event) => {
      const second = Math.round(this.transport.rate_fps);
      const frames = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -second, PageUp: second, Home: -Infinity, End: Infinity }[event.key];
      if (frames === undefined) return;
      this.transport.step(frames);
      event.preventDefault();
      event.stopPropagation();
    });
  }

  #listen() {
    const draw = oncePerFrame(() => this.#drawRuler());
    this.scroller.addEventListener("scroll", () => {
      draw();
      this.dispatchEvent(new Event("scrolled"));
    });
    this.scroller.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.setZoom(this.zoom * 2 ** (-event.deltaY / 240), this.timeAt(event));
    }, { passive: false });
    new ResizeObserver(oncePerFrame(() => this.resize())).observe(this.scroller);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    this.transport.addEventListener("tick", () => {
      this.#follow();
      if (this.transport.playing) this.reveal(this.transport.time_s);
    });
    this.transport.addEventListener("loop", () => this.#loop());
  }

  #follow() {
    const { time_s, rate_fps } = this.transport;
    this.head.style.transform = `translateX(${this.x(time_s)}px)`;
    const frame = frameOf(time_s, rate_fps);
    if (this.ruler.getAttribute("aria-valuenow") === String(frame)) return;
    this.ruler.setAttribute("aria-valuenow", frame);
    this.ruler.setAttribute("aria-valuetext", `${clock(time_s)}, frame ${frame}`);
  }

  #loop() {
    const { loop, looping } = this.transport;
    this.band.hidden = !loop;
    if (!loop) return;
    this.band.classList.toggle("on", looping);
    this.band.style.left = `calc(var(--head) + ${this.x(loop.start_s)}px)`;
    this.band.style.width = `${this.x(loop.end_s - loop.start_s)}px`;
  }

  #drawRuler() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.view_px, 28];
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "top";
    const left = this.scroller.scrollLeft;
    const step_s = STEPS_S.find((one) => one * this.scale >= LABEL_PX) ?? STEPS_S.at(-1);
    const rate = this.transport.rate_fps;
    pen.fillStyle = colour("faint");
    if (this.scale / rate >= FRAMES_FROM_PX) {
      for (let frame = Math.floor((left / this.scale) * rate); frame / rate <= (left + width) / this.scale; frame += 1) {
        pen.fillRect(Math.round((frame / rate) * this.scale - left), height - 4, 1, 4);
      }
    }
    for (let number = Math.floor(left / this.scale / step_s); number * step_s <= this.duration_s; number += 1) {
      const x = Math.round(number * step_s * this.scale - left);
      if (x > width) break;
      pen.fillStyle = colour("faint");
      pen.fillRect(x, height - 9, 1, 9);
      for (let part = 1; part < 5; part += 1) pen.fillRect(Math.round(x + (part * step_s * this.scale) / 5), height - 5, 1, 5);
      pen.fillStyle = colour("soft");
      pen.fillText(timecode(number * step_s, rate), x + 4, 4);
    }
  }
}
