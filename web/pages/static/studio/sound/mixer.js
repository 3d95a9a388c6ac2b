// Stems as lanes with gain, mute and solo, heard at once; and how loud the whole is to be.

import { announce, el } from "../dom.js";
import { Wave } from "../timeline/waves.js";

const NAMES = { hits: "Hits", speech: "Speech", ambience: "Ambience", library: "Library", original: "Original sound" };
const RANGE = "range-";
const MUTED_DB = -Infinity;
const PRESETS = [[-14, "−14 LUFS, streaming"], [-16, "−16 LUFS, podcasts"], [-20, "−20 LUFS"], [-23, "−23 LUFS, EBU R 128"], [-24, "−24 LUFS, ATSC A/85"]];

export class Mixer {
  /**
   * @param {object} studio `score`, `timeline`, `engine`, `compare`
   * @param {HTMLElement} delivery where loudness and limiter are chosen
   */
  constructor(studio, delivery) {
    Object.assign(this, { studio, stems: [], made: null, lanes: new Map(), masters: new Map() });
    this.#delivery(delivery);
  }

  /**
   * @param {object[]} stems of a take, as the API tells of them, without the whole
   * @param {object[]} made how they were mixed in that take
   * @param {string} mix address of the whole
   */
  open(stems, made, mix) {
    for (const { wave } of this.lanes.values()) wave.destroy();
    this.lanes.clear();
    Object.assign(this, { stems, made, mix });
    for (const stem of stems) this.#lane(stem);
    this.draw();
  }

  label(name) {
    if (NAMES[name]) return NAMES[name];
    if (name.startsWith(RANGE)) return this.#range(Number(name.slice(RANGE.length)));
    const layer = name.startsWith("layer-") && this.studio.score.find("layers", name.slice(6));
    return layer ? this.studio.sounds[layer.sound] ?? layer.sound : name;
  }

  #range(number) {
    const told = this.studio.config.ranges[number - 1];
    return told ? `Range ${number}: ${told.mode}, ${told.start_s.toFixed(1)}–${told.end_s.toFixed(1)} s` : `Range ${number}`;
  }

  #lane(stem) {
    const label = this.label(stem.name);
    const set = (values, told, gesture) => this.studio.score.mix(stem.name, values, `${label}: ${told}`, gesture);
    const toggle = (letter, member, words) => el("button", {
      type: "button", className: `tl-toggle ${member}`, title: `${words} ${label}`, aria: { label: `${words} ${label}`, pressed: "false" },
      on: { click: (event) => set({ [member]: event.currentTarget.getAttribute("aria-pressed") !== "true" }, words.toLowerCase()) },
    }, letter);
    const [mute, solo] = [toggle("M", "muted", "Mute"), toggle("S", "solo", "Solo")];
    const gain = el("input", { type: "range", className: "tl-gain", min: -30, max: 12, step: 0.5, aria: { label: `Gain of ${label}` } });
    gain.addEventListener("input", () => set({ gain_db: Number(gain.value) }, `gain ${gain.value} dB`, `gain ${stem.name}`));
    gain.addEventListener("change", () => this.studio.score.endGesture());
    gain.addEventListener("dblclick", () => set({ gain_db: 0 }, "gain 0 dB"));
    const told = el("output", { className: "num" });
    const lane = this.studio.timeline.addRow({ name: `stem-${stem.name}`, label, tools: [mute, solo, gain, told] });
    lane.row.classList.add("tl-stem");
    lane.row.classList.toggle("range", stem.name.startsWith(RANGE));
    lane.title.title = label;
    const wave = new Wave(this.studio.timeline, lane, stem.links, { tone: "soft", duration_s: stem.duration_s, rate_hz: stem.rate_hz });
    this.studio.swappable(lane, wave);
    this.lanes.set(stem.name, { lane, wave, mute, solo, gain, told });
  }

  draw() {
    const { score } = this.studio;
    const anySolo = score.state.stems.some((one) => one.solo);
    for (const [name, { lane, mute, solo, gain, told }] of this.lanes) {
      const stem = score.state.stems.find((one) => one.name === name);
      if (!stem) continue;
      mute.setAttribute("aria-pressed", String(stem.muted));
      solo.setAttribute("aria-pressed", String(stem.solo));
      gain.value = stem.gain_db;
      told.textContent = `${stem.gain_db > 0 ? "+" : ""}${stem.gain_db} dB`;
      gain.setAttribute("aria-valuetext", told.textContent);
      lane.row.classList.toggle("unheard", stem.muted || (anySolo && !stem.solo));
      lane.title.textContent = this.label(name);
    }
    this.#tellDelivery();
  }

  /** Whether the mix is another than the take was made with. */
  get changed() {
    const now = this.studio.score.state.stems;
    return this.stems.some(({ name }) => {
      const [mine, made] = [now.find((one) => one.name === name), this.made?.find((one) => one.name === name)];
      return mine && made && (mine.gain_db !== made.gain_db || mine.muted !== made.muted || mine.solo !== made.solo);
    });
  }

  /** What is to be heard of the stems; null where the take itself is what was asked for. */
  async voices() {
    if (!this.changed) return null;
    const [now, made] = [this.studio.score.state.stems, this.made];
    const master_db = await this.#master();
    if (master_db === null) return null;
    return this.stems.map((stem) => {
      const level = levelOf(now, stem.name);
      const own = stem.name === "original" || !made.some((one) => one.name === stem.name);
      return { url: stem.links.sound, level_db: level + (own ? 0 : master_db) };
    });
  }

  /** What mastering did to the sum of the stems, in dB: the preview does the same. */
  async #master() {
    if (!this.masters.has(this.mix)) this.masters.set(this.mix, this.#compared());
    return this.masters.get(this.mix);
  }

  async #compared() {
    const { engine } = this.studio;
    const parts = this.stems.filter((stem) => stem.name !== "original");
    const [whole, ...sounds] = await Promise.all([this.mix, ...parts.map((stem) => stem.links.sound)].map((url) => engine.load(url)));
    if (!whole || sounds.some((one) => !one)) return null;
    const sum = new Float32Array(whole.length);
    sounds.forEach((sound, number) => {
      const gain = 10 ** (levelOf(this.made, parts[number].name) / 20);
      const samples = sound.getChannelData(0);
      for (let at = 0; at < Math.min(sum.length, samples.length); at += 1) sum[at] += gain * samples[at];
    });
    const power = (samples) => samples.reduce((total, one) => total + one * one, 0);
    const [mixed, apart] = [power(whole.getChannelData(0)), power(sum)];
    return mixed > 0 && apart > 0 ? 10 * Math.log10(mixed / apart) : 0;
  }

  #delivery(root) {
    const set = (values, label) => this.studio.score.set(values, label);
    this.loudness = el("select", { on: { change: () => set({ loudness_lufs: Number(this.loudness.value) }, `loudness ${this.loudness.value} LUFS`) } },
      PRESETS.map(([value, words]) => el("option", { value }, words)));
    this.limiter = el("input", { type: "checkbox", on: { change: () => set({ limiter: this.limiter.checked }, "limiter") } });
    root.replaceChildren(
      el("label", {}, "Loudness ", this.loudness),
      el("label", { className: "switch", title: "On: peaks are held down as far as the loudness needs. Off: at most 9 dB, then it stays quieter." }, this.limiter, "Limiter"),
    );
  }

  #tellDelivery() {
    const { loudness_lufs, limiter } = this.studio.score.state;
    if (!PRESETS.some(([value]) => value === loudness_lufs) && ![...this.loudness.options].some((one) => Number(one.value) === loudness_lufs)) {
      this.loudness.append(el("option", { value: loudness_lufs }, `${String(loudness_lufs).replace("-", "−")} LUFS`));
    }
    this.loudness.value = loudness_lufs;
    this.limiter.checked = limiter;
  }

  /** Mute or unmute by name, as a key or a menu may. */
  toggleMute(name) {
    const stem = this.studio.score.state.stems.find((one) => one.name === name);
    this.studio.score.mix(name, { muted: !stem.muted }, `${this.label(name)} ${stem.muted ? "heard" : "muted"}`);
    announce(`${this.label(name)} ${stem.muted ? "heard" : "muted"}`);
  }
}

function levelOf(stems, name) {
  const stem = stems.find((one) => one.name === name);
  if (!stem) return 0;
  const soloed = stems.some((one) => one.solo);
  return stem.muted || (soloed && !stem.solo) ? MUTED_DB : stem.gain_db;
}
