// The score that is edited: hits, layers and words, with an undo for each thing that a person did.

const DEPTH = 200;

/** A name that no other entry of this session has. */
let named = 0;
export const freshId = () => `new-${Date.now().toString(36)}-${(named += 1)}`;

export class Score extends EventTarget {
  /** @param {object} state `hits`, `layers`, `words` and `stems`, lists of entries; and the values of the delivery. */
  constructor(state) {
    super();
    this.state = state;
    this.past = [];
    this.future = [];
    this.gesture = null;
    this.locked = null; // a sentence, where nothing may be changed
  }

  get hits() {
    return this.state.hits;
  }

  get layers() {
    return this.state.layers;
  }

  get words() {
    return this.state.words;
  }

  find(kind, id) {
    return this.state[kind].find((one) => one.id === id) ?? null;
  }

  /**
   * Change the score.
   * @param {string} label what was done, in words
   * @param {(state: object) => object} change gives a new state; the old one stays as it is
   * @param {string|null} gesture edits with the same name, one after the other, are undone together
   */
  edit(label, change, gesture = null) {
    const next = this.locked ? this.state : change(this.state);
    if (next === this.state) return;
    if (!(gesture !== null && gesture === this.gesture)) {
      this.past.push({ label, state: this.state });
      if (this.past.length > DEPTH) this.past.shift();
    }
    this.gesture = gesture;
    this.future = [];
    this.state = next;
    this.#tell(label);
  }

  /** The next edit of the same gesture is one of its own again. */
  endGesture() {
    this.gesture = null;
  }

  /** Set a value of the whole score, such as its loudness. */
  set(values, label, gesture = null) {
    this.edit(label, (state) => ({ ...state, ...values }), gesture);
  }

  /** Change a stem, which has a name instead of an id and keeps its place. */
  mix(name, values, label, gesture = null) {
    this.edit(label, (state) => ({ ...state, stems: state.stems.map((one) => (one.name === name ? { ...one, ...values } : one)) }), gesture);
  }

  update(kind, id, values, label, gesture = null) {
    this.edit(label, (state) => ({
      ...state,
      [kind]: inOrder(state[kind].map((one) => (one.id === id ? { ...one, ...values } : one))),
    }), gesture);
  }

  add(kind, entry, label) {
    const made = { ...entry, id: entry.id ?? freshId() };
    this.edit(label, (state) => ({ ...state, [kind]: inOrder([...state[kind], made]) }));
    return made.id;
  }

  remove(kind, id, label) {
    this.edit(label, (state) => ({ ...state, [kind]: state[kind].filter((one) => one.id !== id) }));
  }

  undo() {
    return this.#travel(this.past, this.future, "Undone");
  }

  redo() {
    return this.#travel(this.future, this.past, "Done again");
  }

  /** The same state with what the server filled in. */
  absorb(state) {
    this.state = state;
    this.#tell("", false);
  }

  /** Go on from another score's edits: what was done there can be undone here. */
  inherit({ past }) {
    this.past = [...past];
  }

  /** Another state altogether, such as the one that is stored; nothing leads back from it. */
  replace(state) {
    this.state = state;
    this.past = [];
    this.future = [];
    this.gesture = null;
    this.#tell("", false);
  }

  #travel(from, to, word) {
    const step = from.pop();
    if (!step) return null;
    to.push({ label: step.label, state: this.state });
    this.state = step.state;
    this.gesture = null;
    this.#tell(`${word}: ${step.label}`);
    return `${word}: ${step.label}`;
  }

  #tell(label, edited = true) {
    this.dispatchEvent(new CustomEvent("change", { detail: { label, edited } }));
  }
}

/** Whether two states say the same, whatever objects they are made of. */
export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => same(one[name], other[name]));
}

const inOrder = (entries) => [...entries].sort((one, other) => (one.time_s ?? one.start_s ?? 0) - (other.time_s ?? other.start_s ?? 0));
