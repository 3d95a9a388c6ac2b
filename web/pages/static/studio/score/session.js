// One take on the work bench: its score with its undo, the draft that keeps it, and its stems.

import { ask } from "../api.js";
import { Score, same } from "./document.js";
import { Draft, stateOf } from "./draft.js";

const FIXED = "this take was made before scores were kept, or only in part; make it again to edit it";

export class Session {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Whether the score is another than the one that the take was made from, so that there is something to make. */
  get changed() {
    return !same(this.score.state, this.first);
  }

  /** @param {string} job address of the job @param {object} take of its outputs */
  static async open(job, take) {
    const address = `${job}/takes/${take.take}`;
    const home = `${job}/score?take=${take.take}`;
    const told = await ask(home);
    const [parts, first] = await Promise.all([
      ask(`${address}/stems`).then((answer) => answer.stems, () => []),
      told.version === 0 ? told : ask(`${home}&version=0`),
    ]);
    const score = new Score(stateOf(told));
    score.locked = told.editable ? null : FIXED;
    return new Session({
      take, address, score, draft: new Draft(home, score, told), locked: score.locked, first: stateOf(first), made: first.stems,
      stems: parts.filter((one) => one.name !== "mix"), mix: parts.find((one) => one.name === "mix") ?? null,
    });
  }
}
