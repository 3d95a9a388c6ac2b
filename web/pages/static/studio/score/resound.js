// "Make it sound": the score rendered as a further take, followed to its end.

import { ask } from "../api.js";

const WAIT_S = 5;
const OVER = new Set(["succeeded", "failed", "canceled"]);

export class Resound extends EventTarget {
  /** @param {string} job address of the job in the API */
  constructor(job) {
    super();
    this.job = job;
    this.running = null; // the take that is being made
  }

  /**
   * @returns {Promise<object|null>} the finished take as the job's `outputs` has it; null where it was cancelled
   * @throws {import("../api.js").Refusal|Error} it was refused or failed
   */
  async make(take, version) {
    let told = await ask(`${this.job}/score/render`, { body: { take, version } });
    this.running = told;
    try {
      while (!OVER.has(told.status)) {
        this.dispatchEvent(new CustomEvent("progress", { detail: told }));
        told = await ask(`${told.links.self}?wait_s=${WAIT_S}`);
      }
    } finally {
      this.running = null;
    }
    if (told.status === "canceled") return null;
    if (told.status === "failed") throw new Error(told.error?.detail ?? "The sound could not be made.");
    const job = await ask(this.job);
    return job.outputs.find((one) => one.take === told.take);
  }

  async cancel() {
    if (this.running) await ask(`${this.running.links.self}/cancel`, { method: "POST" });
  }
}
