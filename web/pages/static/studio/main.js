// The studio of one result: puts the parts together and says what happens between them.

import { announce, el } from "./dom.js";
import { askWhose } from "./score/conflict.js";
import { Compare, ORIGINAL } from "./sound/compare.js";
import { Engine } from "./sound/engine.js";
import { icon } from "./icons.js";
import { Inspector } from "./inspector.js";
import { Keys } from "./keys.js";
import { Marks } from "./timeline/marks.js";
import { Mixer } from "./sound/mixer.js";
import { Regions } from "./timeline/regions.js";
import { Resound } from "./score/resound.js";
import { Session } from "./score/session.js";
import { showTake } from "./page.js";
import { Timeline } from "./timeline/timeline.js";
import { Toolbar } from "./toolbar.js";
import { Transport } from "./timeline/transport.js";
import { Wave } from "./timeline/waves.js";

const MOST_LANES = 8; // as many as studio.css has room for

class Studio {
  constructor(root, config) {
    Object.assign(this, { root, config, takes: config.takes, sounds: config.sounds, snap: true, selected: null, making: null });
    this.defaults = { material: config.material };
    this.materials = Object.keys(config.materials);
    this.sessions = new Map();
    this.opening = new Map(); // number of a take -> promise of its session
    this.turn = 0;
    this.lanes = new Map();
    this.video = document.querySelector("[data-player]");
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
  }

  family(material) {
    return this.config.materials[material] ?? "earthy";
  }

  soundNamed(words) {
    const wanted = words.trim().toLowerCase();
    return Object.keys(this.sounds).find((name) => name === wanted || this.sounds[name].toLowerCase() === wanted) ?? null;
  }

  get session() {
    return this.sessions.get(this.working);
  }

  get score() {
    return this.session.score;
  }

  get take() {
    return this.session;
  }

  async begin() {
    this.transport = new Transport(this.video, this.config.rate_fps, this.config.duration_s);
    this.engine = new Engine(this.transport);
    this.resound = new Resound(this.config.job);
    this.working = this.config.take;
    await this.open(this.working);
    this.timeline = new Timeline(this.part("timeline"), this.transport);
    this.marks = new Marks(this.timeline, this);
    this.layers = new Regions(this.timeline, this, {
      kind: "layers", label: "Layers", one: "a layer", name: (layer) => this.sounds[layer.sound] ?? layer.sound,
      fresh: (start_s, end_s) => ({ sound: this.config.sound, start_s, end_s, level_db: -6, pan: null, knobs: {} }),
    });
    this.words = new Regions(this.timeline, this, {
      kind: "words", label: "Words", one: "a word", name: (word) => word.text || "…", fresh: (start_s, end_s) => ({ text: "", start_s, end_s }),
    });
    this.inspector = new Inspector(this.part("inspector"), this);
    this.mixer = new Mixer(this, this.part("delivery"));
    this.compare = new Compare(document.querySelector("[data-takes]"), this);
    this.toolbar = new Toolbar(this.part("toolbar"), this);
    this.keys = new Keys(this.#keys());
    this.root.append(el("datalist", { id: "studio-sounds" }, Object.values(this.sounds).map((words) => el("option", { value: words }))));
    this.compare.addEventListener("take", (event) => this.work(event.detail));
    this.resound.addEventListener("progress", (event) => this.#progress(event.detail));
    this.#choices();
    for (const take of this.takes) this.#takeLane(take);
    this.compare.heard = this.working;
    this.compare.draw();
    this.#enter();
    this.root.dataset.ready = "";
  }

  /** The session of a take: one, however often it is asked for while it is on its way; a failed one is asked for anew. */
  open(number) {
    if (!this.opening.has(number)) {
      const session = this.#fetched(number);
      this.opening.set(number, session);
      session.catch(() => this.opening.delete(number));
    }
    return this.opening.get(number);
  }

  async #fetched(number) {
    const session = await Session.open(this.config.job, this.takes.find((one) => one.take === number));
    session.score.addEventListener("change", (event) => session === this.session && this.#changed(event.detail));
    session.draft.addEventListener("state", () => session === this.session && this.#drafted());
    this.sessions.set(number, session);
    return session;
  }

  /** Work on another take: its marks, its stems, and what the page says of it. */
  async work(number) {
    this.session.draft.flush();
    const turn = (this.turn += 1);
    try {
      await this.open(number);
    } catch (error) {
      if (turn !== this.turn) return;
      this.compare.listen(this.working); // what is heard is what can be edited
      return this.say(error.message);
    }
    if (turn !== this.turn) return; // another one was chosen while this one was on its way
    this.working = number;
    this.selected = null;
    showTake(this.config.page, number).then(() => this.#choices());
    this.#enter();
  }

  select(kind, id) {
    this.selected = kind ? { kind, id } : null;
    this.#draw();
  }

  remove(kind, id) {
    ({ hits: this.marks, layers: this.layers, words: this.words })[kind].remove(id);
  }

  undo() {
    this.#travelled(this.score.undo());
  }

  redo() {
    this.#travelled(this.score.redo());
  }

  help() {
    this.keys.help();
  }

  cancel() {
    this.resound.cancel().catch((error) => this.say(error.message));
  }

  /** Render the score as a further take, and go on with that one. */
  async make() {
    const { session } = this;
    if (this.making || session.locked || !session.changed) return;
    this.#progress({ progress: 0 });
    try {
      if (!(await session.draft.flush())) return;
      const made = await this.resound.make(session.take.take, session.draft.version);
      if (!made) return this.say("Stopped; nothing was made.");
      await this.#welcome(made, session);
    } catch (error) {
      this.say(error.message);
    } finally {
      this.#progress(null);
    }
  }

  say(words) {
    this.part("notice").textContent = words;
  }

  /** A button in the head of a lane that shows its spectrogram too. */
  swappable(lane, wave) {
    const label = `Spectrogram of ${lane.title.textContent}`;
    const button = el("button", { type: "button", className: "tl-toggle", title: label, aria: { label } }, icon("spectrum"));
    const show = (spectrum) => {
      wave.show(spectrum);
      button.setAttribute("aria-pressed", String(spectrum));
    };
    button.addEventListener("click", () => show(!wave.spectrum));
    lane.head.querySelector(".tl-tools").prepend(button);
    show(wave.spectrum);
    return show;
  }

  async #welcome(made, from) {
    const { take, parent, seed, loudness_lufs, links } = made;
    if (!this.takes.some((one) => one.take === take)) {
      const known = { take, parent, seed, loudness_lufs, links, rank: made.description?.rank ?? null };
      this.takes.push(known);
      const session = await this.open(take);
      session.score.inherit(from.score);
      this.#takeLane(known);
    }
    this.compare.draw();
    this.say("");
    announce(`Take ${take + 1} is ready`);
    this.compare.choose(take);
  }

  #takeLane(take) {
    const links = (part) => `${this.config.job}/takes/${take.take}/${part}?stem=mix`;
    const label = `Take ${take.take + 1}`;
    const hear = el("button", { type: "button", className: "tl-add", title: `Hear and edit ${label}`, on: { click: () => this.compare.choose(take.take) } }, "Hear");
    const before = this.timeline.rows.querySelector(".tl-stem");
    const lane = this.timeline.addRow({ name: `take-${take.take}`, label, tools: [hear], before });
    lane.row.classList.add("tl-take");
    const wave = new Wave(this.timeline, lane, { peaks: links("peaks"), spectrogram: links("spectrogram") }, { duration_s: this.config.duration_s });
    this.lanes.set(take.take, { ...lane, spectrum: this.swappable(lane, wave) });
  }

  #enter() {
    const { session } = this;
    for (const [number, { row, spectrum }] of this.lanes) {
      row.classList.toggle("current", number === this.working);
      spectrum(number === this.working);
    }
    Object.assign(this.root.dataset, { takes: Math.min(this.takes.length, MOST_LANES), stems: Math.min(session.stems.length, MOST_LANES) });
    this.words.lane.row.after(this.lanes.get(this.working).row);
    this.mixer.open(session.stems, session.made, session.mix?.links.sound ?? session.take.links.sound);
    const original = session.stems.find((one) => one.name === ORIGINAL);
    if (original) this.compare.offerOriginal(original.links.sound);
    this.root.classList.toggle("locked", Boolean(session.locked));
    this.say(session.locked ?? "");
    this.heardStems = session.score.state.stems;
    this.#draw();
    this.compare.hear();
    if (session.draft.state === "conflict") this.#drafted();
  }

  #changed({ edited }) {
    if (edited && this.selected && !this.score.find(this.selected.kind, this.selected.id)) this.selected = null;
    this.#draw();
    if (this.heardStems === this.score.state.stems) return;
    this.heardStems = this.score.state.stems;
    if (this.compare.heard !== ORIGINAL) this.compare.hear();
  }

  #travelled(words) {
    if (words) announce(words);
  }

  #progress(told) {
    this.making = told;
    this.#draw();
  }

  #draw() {
    this.marks.draw();
    this.layers.draw();
    this.words.draw();
    this.inspector.draw();
    this.mixer.draw();
    this.toolbar.draw(this.session, { making: this.making, locked: Boolean(this.session.locked) });
  }

  async #drafted() {
    const { session } = this;
    const { draft } = session;
    this.#draw();
    if (draft.state === "failed") return this.say(`Your changes are not saved: ${draft.reason}`);
    if (draft.state === "saved") this.say("");
    if (draft.state !== "conflict" || this.asking) return;
    this.asking = true;
    const whose = await askWhose(draft.version, draft.theirs);
    this.asking = false;
    if (whose === "theirs") await draft.takeTheirs().catch((error) => this.say(error.message));
    else if (whose === "mine") await draft.keepMine(draft.theirs);
    else this.say("Your changes are not saved: this score was changed elsewhere. Edit it once more to be asked again.");
  }

  /** Buttons elsewhere on the page that change the score and have it made at once. */
  #choices() {
    for (const button of document.querySelectorAll("[data-instead]")) {
      button.hidden = false;
      button.type = "button";
      button.onclick = () => this.#instead(button.dataset.instead);
    }
    for (const button of document.querySelectorAll("[data-seek]:disabled")) { // of another take than the page began with
      button.disabled = false;
      button.setAttribute("aria-label", `Play from ${button.textContent.trim()}`);
      button.onclick = () => {
        this.transport.seek(Number(button.dataset.seek) - 0.05);
        this.transport.play();
      };
    }
  }

  #instead(sound) {
    if (sound === "") this.score.edit("silence", (state) => ({ ...state, hits: [], layers: [] }));
    else if (this.score.layers.length) this.score.update("layers", this.score.layers[0].id, { sound, knobs: {} }, `${this.sounds[sound] ?? sound} instead`);
    else this.score.add("layers", { sound, start_s: null, end_s: null, level_db: 0, pan: null, knobs: {} }, `${this.sounds[sound] ?? sound} added`);
    return this.make();
  }

  #keys() {
    const { transport, timeline } = this;
    const edge = (start_s, end_s) => transport.setLoop({ start_s, end_s });
    const actions = {
      " ": () => transport.toggle(), k: () => transport.toggle(), j: () => transport.shuttle(-1), l: () => transport.shuttle(1),
      ",": () => transport.step(-1), ".": () => transport.step(1), Home: () => transport.seek(0), End: () => transport.step(Infinity),
      i: () => edge(transport.time_s, transport.loop?.end_s > transport.time_s ? transport.loop.end_s : transport.duration_s),
      o: () => edge(transport.loop?.start_s < transport.time_s ? transport.loop.start_s : 0, transport.time_s), r: () => transport.toggleLoop(),
      m: () => this.session.locked || this.marks.add(transport.time_s), s: () => this.toolbar.snap.click(),
      "+": () => timeline.setZoom(timeline.zoom * 1.5), "=": () => timeline.setZoom(timeline.zoom * 1.5), "-": () => timeline.setZoom(timeline.zoom / 1.5),
      "\\": () => timeline.setZoom(1), 0: () => this.compare.listen(ORIGINAL), "?": () => this.help(),
      "Control+z": () => this.undo(), "Control+Shift+z": () => this.redo(), "Control+y": () => this.redo(), "Control+Enter": () => this.make(),
    };
    for (let place = 0; place < 8; place += 1) {
      actions[place + 1] = () => this.compare.chooseAt(place);
      actions["abcdefgh"[place]] = () => this.compare.chooseAt(place);
    }
    return actions;
  }
}

const root = document.querySelector("[data-studio]");
if (root && document.querySelector("[data-player]")) {
  const studio = new Studio(root, JSON.parse(root.dataset.studio));
  studio.begin().catch((error) => {
    root.classList.add("failed");
    studio.say(`The timeline could not be opened: ${error.message}`);
  });
}
