// Lanes that show a sound: its waveform out of peaks that the worker made, and under it, if wanted, its spectrogram.

import WaveSurfer from "../../vendor/wavesurfer.js";
import { ask } from "../api.js";
import { colour, el, oncePerFrame } from "../dom.js";

const ZOOMS = [16384, 4096, 1024, 256]; // samples a pair of peaks, coarsest first
const HEIGHT_PX = 52;

/** audiowaveform's JSON as one list of alternating lowest and highest values, -1..1. */
function curve({ data, bits }) {
  const full = 2 ** (bits - 1);
  return Float32Array.from(data, (value) => value / full);
}

export class Wave {
  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {{body: HTMLElement, row: HTMLElement}} lane
   * @param {{peaks: string, spectrogram: string}} links
   * @param {{spectrum?: boolean, tone?: string, duration_s: number, rate_hz: number}} how
   */
  constructor(timeline, lane, links, { spectrum = false, tone = "accent", duration_s, rate_hz = 48000 }) {
    Object.assign(this, { timeline, lane, links, spectrum, tone, duration_s, rate_hz, zoom: null, wave: null });
    this.box = el("div", { className: "tl-wave" });
    this.picture = el("div", { className: "tl-spectrum", hidden: !spectrum });
    lane.body.append(this.box, this.picture);
    this.onLayout = oncePerFrame(() => this.#fit());
    this.onScroll = () => this.wave?.setScroll(this.#scroll());
    this.onScheme = () => this.#paint();
    timeline.addEventListener("layout", this.onLayout);
    timeline.addEventListener("scrolled", this.onScroll);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.onScheme);
    this.seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.seen.disconnect();
      this.shown = true;
      if (!this.links.peaks) return this.#fail(this.box);
      this.#fit();
      this.show(this.spectrum);
    }, { root: timeline.scroller, rootMargin: "80px" });
    this.seen.observe(lane.row);
  }

  /** With its spectrogram, or without. */
  show(spectrum) {
    this.spectrum = spectrum;
    this.picture.hidden = !spectrum;
    if (!spectrum || !this.shown || this.picture.childElementCount) return;
    const { timeline } = this;
    const seek = (event) => event.button === 0 && timeline.transport.seek(timeline.timeAt(event));
    this.picture.append(el("img", {
      className: "tl-spectrogram", src: this.links.spectrogram, alt: "Spectrogram, 50 Hz to 20 kHz", draggable: false,
      on: { pointerdown: seek, error: () => this.#fail(this.picture) },
    }));
  }

  destroy() {
    this.seen.disconnect();
    this.wave?.destroy();
    this.timeline.removeEventListener("layout", this.onLayout);
    this.timeline.removeEventListener("scrolled", this.onScroll);
    this.scheme.removeEventListener("change", this.onScheme);
    this.lane.row.remove();
    this.gone = true;
  }

  #scroll() {
    return this.timeline.scroller.scrollLeft;
  }

  /** The peaks that this scale needs: a pair a pixel, or the finest that there are. */
  #needed() {
    const samples_px = this.rate_hz / this.timeline.scale;
    return ZOOMS.find((zoom) => zoom <= samples_px) ?? ZOOMS.at(-1);
  }

  async #fit() {
    if (this.gone || !this.shown) return;
    const zoom = this.#needed();
    if (zoom === this.zoom) {
      this.wave?.zoom(this.timeline.scale);
      this.wave?.setScroll(this.#scroll());
      return;
    }
    this.zoom = zoom;
    const told = await ask(`${this.links.peaks}${this.links.peaks.includes("?") ? "&" : "?"}zoom=${zoom}`).catch(() => null);
    if (this.gone || this.zoom !== zoom) return;
    if (!told) return this.#fail(this.box);
    this.#draw(curve(told));
  }

  #draw(peaks) {
    this.wave?.destroy();
    const view = el("div", { className: "tl-view" });
    this.box.replaceChildren(view);
    this.wave = WaveSurfer.create({
      container: view,
      media: this.timeline.transport.video,
      peaks: [peaks],
      duration: this.duration_s,
      height: HEIGHT_PX,
      minPxPerSec: this.timeline.scale,
      fillParent: true,
      hideScrollbar: true,
      autoScroll: false,
      dragToSeek: false,
      cursorWidth: 0,
      cspNonce: document.querySelector("script[nonce]")?.nonce,
      ...this.#colours(),
    });
    this.wave.on("ready", () => this.wave?.setScroll(this.#scroll()));
  }

  #colours() {
    return { waveColor: colour("faint"), progressColor: colour(this.tone) };
  }

  #paint() {
    this.wave?.setOptions(this.#colours());
  }

  #fail(part) {
    part.replaceChildren(el("p", { className: "tl-none" }, "This sound was not drawn."));
  }
}
