// What is selected, in detail: every value of a hit, a layer or a word in a field of its own.

import { ask } from "./api.js";
import { clamp, el } from "./dom.js";
import { icon } from "./icons.js";
import { clock, frameOf } from "./timeline/timecode.js";

const LOOK_MS = 250;
const IN_RANGES = { hits: "hits", ambient: "layers", speech: "words" };
const signed = (value, unit) => `${value > 0 ? "+" : ""}${Math.round(10 * value) / 10} ${unit}`;
const side = (pan) => (Math.abs(pan) < 0.005 ? "centre" : `${Math.round(100 * Math.abs(pan))} % ${pan < 0 ? "left" : "right"}`);

export class Inspector {
  /**
   * @param {HTMLElement} root
   * @param {object} editor as of marks; also `take`, `engine`, `materials`, `sounds`, `remove(kind, id)`
   */
  constructor(root, editor) {
    Object.assign(this, { root, editor, fields: [], shown: null, sounds: new Map() });
  }

  draw() {
    const { selected, score } = this.editor;
    const entry = selected && score.find(selected.kind, selected.id);
    const shown = entry ? `${selected.kind} ${entry.id} ${entry.sound ?? ""}` : "nothing";
    if (shown !== this.shown) {
      this.shown = shown;
      this.fields = [];
      this.root.replaceChildren(...(entry ? this.#panel(selected.kind, entry) : this.#nothing()));
    }
    if (entry) for (const sync of this.fields) sync(entry);
  }

  #nothing() {
    const ranged = this.#ofRanges();
    return [...(ranged ? [el("p", { className: "hint", data: { ranged: "" } }, ranged)] : []), el("p", { className: "hint" }, "Choose a mark to see it in detail. Double-click a lane, or press M, to add one at that moment; drag a mark to move it.")];
  }

  /** Why the lanes are empty though something is heard, where ranges are parts of their own; else null. */
  #ofRanges() {
    const { config, score } = this.editor;
    const parts = new Set(score.state.stems.map((one) => one.name));
    const told = config.ranges.flatMap(({ mode }, at) => (parts.has(`range-${at + 1}`) ? [`the ${IN_RANGES[mode]} of range ${at + 1}`] : []));
    if (!told.length) return null;
    const all = new Intl.ListFormat("en").format(told);
    return `${all[0].toUpperCase()}${all.slice(1)} are part of ${told.length > 1 ? "those ranges" : "that range"}; mute ${told.length > 1 ? "one" : "it"} to lay others in its place.`;
  }

  #panel(kind, entry) {
    const words = { hits: "Hit", layers: "Layer", words: "Spoken word" }[kind];
    const bin = el("button", { type: "button", className: "quiet", on: { click: () => this.editor.remove(kind, entry.id) } }, icon("bin"), "Delete");
    const title = el("h3", {}, words, el("small", {}));
    this.fields.push((now) => {
      const at_s = now.time_s ?? now.start_s ?? 0;
      title.lastChild.textContent = ` ${clock(at_s)}, frame ${frameOf(at_s, this.editor.transport.rate_fps)}`;
    });
    const fields = { hits: () => this.#hit(entry), layers: () => this.#layer(entry), words: () => this.#word(entry) }[kind]();
    return [el("div", { className: "insp-head" }, title, bin), el("div", { className: "insp-fields" }, ...fields)];
  }

  #set(kind, id, values, label, gesture = null) {
    this.editor.score.update(kind, id, values, label, gesture);
  }

  /** A field with its label; `sync` shows an entry in it, but never under somebody's fingers. */
  #field(label, input, sync, after = null) {
    const id = `insp-${label.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
    input.id = id;
    this.fields.push((entry) => sync(entry, document.activeElement === input));
    return el("div", { className: "insp-field" }, el("label", { htmlFor: id }, label), input, after);
  }

  #slider(label, { low, high, step, of, words, change }) {
    const told = el("output", {});
    const input = el("input", { type: "range", min: low, max: high, step });
    told.htmlFor = `insp-${label.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
    input.addEventListener("input", () => change(Number(input.value)));
    input.addEventListener("change", () => this.editor.score.endGesture());
    return this.#field(label, input, (entry) => {
      input.value = of(entry);
      told.textContent = words(of(entry), entry);
      input.setAttribute("aria-valuetext", told.textContent);
    }, told);
  }

  #moment(label, { of, empty = "", change }) {
    const input = el("input", { type: "number", min: 0, max: this.editor.transport.duration_s, step: "any", placeholder: empty });
    input.addEventListener("change", () => {
      if (input.value === "" && !empty) return this.draw();
      change(input.value === "" ? null : clamp(Number(input.value), 0, this.editor.transport.duration_s));
    });
    return this.#field(`${label}, s`, input, (entry, busy) => {
      if (!busy) input.value = of(entry) === null ? "" : Math.round(1000 * of(entry)) / 1000;
    });
  }

  #hit({ id }) {
    const set = (values, label, gesture) => this.#set("hits", id, values, label, gesture);
    const material = el("select", {}, this.editor.materials.map((name) => el("option", { value: name }, name)));
    material.addEventListener("change", () => set({ material: material.value, exemplar: null }, `material set to ${material.value}`));
    return [
      this.#moment("Time", { of: (hit) => hit.time_s, change: (time_s) => set({ time_s }, `a hit moved to ${clock(time_s)}`) }),
      this.#field("Material", material, (hit) => (material.value = hit.material)),
      this.#slider("Strength", { low: 0, high: 1, step: 0.01, of: (hit) => hit.strength, words: (value) => `${Math.round(100 * value)} %`,
        change: (strength) => set({ strength }, "a hit's strength", `strength ${id}`) }),
      this.#slider("Pan", { low: -1, high: 1, step: 0.05, of: (hit) => hit.pan, words: side, change: (pan) => set({ pan }, "a hit's pan", `pan ${id}`) }),
      this.#slider("Gain", { low: -24, high: 24, step: 0.5, of: (hit) => hit.gain_db ?? 0, words: (value) => signed(value, "dB"),
        change: (gain_db) => set({ gain_db }, "a hit's gain", `gain ${id}`) }),
      this.#exemplars(id),
    ];
  }

  /** The five sounds of the bank that fit best there; each can be heard, one chosen. */
  #exemplars(id) {
    const list = el("ul", { className: "exemplars" });
    const box = el("fieldset", { className: "insp-field wide" }, el("legend", {}, "Sound of the bank"), list);
    let asked = "";
    let timer = 0;
    const choose = (exemplar) => this.#set("hits", id, { exemplar }, exemplar ? `sound ${exemplar} chosen` : "nearest sound chosen");
    const option = (name, label, sound) => el("li", {},
      el("label", {}, el("input", { type: "radio", name: "exemplar", value: name ?? "", on: { change: () => choose(name) } }), el("span", {}, label)),
      sound && el("button", { type: "button", className: "quiet", title: `Hear ${label}`, aria: { label: `Hear ${label}` }, on: { click: () => this.editor.engine.audition(sound) } }, icon("hear")));
    const mark = (hit) => {
      for (const input of list.querySelectorAll("input")) input.checked = input.value === (hit.exemplar ?? "");
    };
    const look = async (hit) => {
      const told = await ask(`${this.editor.take.address}/nearest?${new URLSearchParams({ time_s: hit.time_s, material: hit.material })}`).catch(() => null);
      if (asked !== `${hit.time_s} ${hit.material}`) return;
      const names = told?.exemplars ?? [];
      const kept = hit.exemplar && !names.some((one) => one.name === hit.exemplar) ? [{ name: hit.exemplar, action: "chosen" }] : [];
      list.replaceChildren(option(null, "The nearest"), ...[...kept, ...names].map((one) => option(one.name, one.name, one.links?.sound)));
      mark(this.editor.score.find("hits", id) ?? hit);
    };
    this.fields.push((hit) => {
      mark(hit);
      if (asked === `${hit.time_s} ${hit.material}`) return;
      asked = `${hit.time_s} ${hit.material}`;
      clearTimeout(timer);
      timer = setTimeout(() => look(hit), list.childElementCount ? LOOK_MS : 0);
    });
    return box;
  }

  #layer({ id, sound }) {
    const set = (values, label, gesture) => this.#set("layers", id, values, label, gesture);
    const name = el("input", { type: "text", autocomplete: "off" });
    name.setAttribute("list", "studio-sounds");
    name.addEventListener("change", () => {
      const chosen = this.editor.soundNamed(name.value);
      name.setCustomValidity(chosen ? "" : "No sound has this name; choose one from the list.");
      name.reportValidity();
      if (chosen && chosen !== sound) set({ sound: chosen, knobs: {} }, `layer set to ${this.editor.sounds[chosen]}`);
    });
    const around = el("input", { type: "checkbox" });
    around.addEventListener("change", () => set({ pan: around.checked ? null : 0 }, "a layer's place"));
    const knobs = el("div", { className: "insp-knobs" });
    this.#knobs(id, sound, knobs);
    return [
      this.#field("Sound", name, (layer, busy) => !busy && (name.value = this.editor.sounds[layer.sound] ?? layer.sound)),
      this.#moment("Start", { of: (layer) => layer.start_s, empty: "from the start", change: (start_s) => set({ start_s }, "a layer's start") }),
      this.#moment("End", { of: (layer) => layer.end_s, empty: "to the end", change: (end_s) => set({ end_s }, "a layer's end") }),
      this.#slider("Level", { low: -60, high: 24, step: 0.5, of: (layer) => layer.level_db, words: (value) => signed(value, "dB"),
        change: (level_db) => set({ level_db }, "a layer's level", `level ${id}`) }),
      this.#slider("Pan", { low: -1, high: 1, step: 0.05, of: (layer) => layer.pan ?? 0, words: (value, layer) => (layer.pan === null ? "as in the picture" : side(value)),
        change: (pan) => set({ pan }, "a layer's pan", `pan ${id}`) }),
      this.#field("Pan as in the picture", around, (layer) => (around.checked = layer.pan === null)),
      knobs,
    ];
  }

  async #knobs(id, sound, box) {
    if (!this.sounds.has(sound)) this.sounds.set(sound, await ask(`/v1/sounds/${encodeURIComponent(sound)}`).catch(() => null));
    const told = this.sounds.get(sound);
    if (!told || !box.isConnected) return;
    const hear = el("button", { type: "button", className: "quiet", on: { click: () => this.#audition(id, sound) } }, icon("hear"), "Hear it alone");
    box.replaceChildren(hear, ...Object.entries(told.knobs).map(([name, knob]) => this.#knob(id, name, knob)));
    this.draw();
  }

  #knob(id, name, knob) {
    const set = (value, gesture) => {
      const { [name]: _, ...others } = this.editor.score.find("layers", id).knobs;
      this.#set("layers", id, { knobs: value === null ? others : { ...others, [name]: value } }, `knob ${name}`, gesture);
    };
    const fixed = el("input", { type: "checkbox", title: "Hold it; otherwise the picture turns it" });
    fixed.setAttribute("aria-label", `Hold ${name}`);
    fixed.addEventListener("change", () => set(fixed.checked ? knob.default : null));
    const field = this.#slider(name.replaceAll("_", " "), {
      low: knob.low, high: knob.high, step: (knob.high - knob.low) / 100, of: (layer) => layer.knobs[name] ?? knob.default,
      words: (value, layer) => (name in layer.knobs ? `${Number(value.toPrecision(3))} ${knob.unit}` : knob.driven_by ? "by the picture" : "its own"),
      change: (value) => set(value, `knob ${name} ${id}`),
    });
    field.title = knob.meaning;
    field.prepend(fixed);
    this.fields.push((layer) => (fixed.checked = name in layer.knobs));
    return field;
  }

  #audition(id, sound) {
    const knobs = this.editor.score.find("layers", id)?.knobs ?? {};
    this.editor.engine.audition(`/v1/sounds/${encodeURIComponent(sound)}/preview?${new URLSearchParams(knobs)}`);
  }

  #word({ id }) {
    const set = (values, label, gesture) => this.#set("words", id, values, label, gesture);
    const text = el("input", { type: "text", maxLength: 200, autocomplete: "off" });
    text.addEventListener("input", () => set({ text: text.value }, "a word's text", `text ${id}`));
    return [
      this.#field("Text", text, (word, busy) => !busy && (text.value = word.text)),
      this.#moment("Start", { of: (word) => word.start_s, change: (start_s) => set({ start_s }, "a word's start") }),
      this.#moment("End", { of: (word) => word.end_s, change: (end_s) => set({ end_s }, "a word's end") }),
    ];
  }
}
