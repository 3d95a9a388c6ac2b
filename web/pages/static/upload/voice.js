// Which voice mode auto would give a clip: asked ahead for a few small ones, and said with its reason, or why it is not.

const ASKED_AT_MOST = 3; // so many clips are sent ahead to ask which voice suits them

/** What mode auto makes of a clip, as a list of lines: one, or one more for each range. */
function routeWords(form, route) {
  const voice = (mode) => form.elements.mode.querySelector(`option[value="${mode}"]`)?.textContent.toLowerCase() ?? mode;
  const sure = (share) => `${Math.round(100 * share)} %`;
  const lines = [`Automatic: sounds like ${voice(route.mode)} (${sure(route.probabilities[route.mode])}): ${route.reason}`];
  if (route.ranges.length > 1) {
    for (const { start_s, end_s, mode, probability, reason } of route.ranges) {
      lines.push(`${start_s.toFixed(1)} to ${end_s.toFixed(1)} s: ${voice(mode)} (${sure(probability)}): ${reason}`);
    }
  }
  return lines;
}

/** @returns the lines to show for a row, after noting in it whether it would be refused. */
async function ask(form, row) {
  row.asking = new AbortController();
  const body = new FormData();
  body.append("route", "true");
  body.append("file", row.file);
  const headers = { "X-CSRF-Token": form.querySelector('[name="csrf_token"]').value };
  let response;
  try {
    response = await fetch(form.dataset.probe, { method: "POST", headers, body, signal: row.asking.signal });
  } catch {
    return row.asking.signal.aborted ? null : ["Automatic: the voice is chosen when the clip is sounded; the server could not be asked before."];
  }
  const told = await response.json().catch(() => ({}));
  row.doubtful = response.status === 422;
  if (told.route) return routeWords(form, told.route);
  if (response.ok) return ["Automatic: the voice is chosen when the clip is sounded; no worker was free to look at it before."];
  if (row.doubtful) return [`It will be refused: ${told.detail}.`];
  return [`Automatic: the voice is chosen when the clip is sounded; it could not be asked before (${(told.title ?? `the server answered ${response.status}`).toLowerCase()}).`];
}

/** Asks for clip after clip, while the picture is to choose the voice. */
export class VoiceGuesses {
  /** @param {() => void} told what to do when an answer has come */
  constructor(form, rows, busy, told) {
    Object.assign(this, { form, rows, busy, told, last: Promise.resolve() });
  }

  /** The voice is the picture's to choose: none is named, nor anything that goes with one only. */
  get automatic() {
    return this.form.elements.mode.value === "auto" && !this.form.elements.material?.value;
  }

  show() {
    for (const line of this.form.querySelectorAll(".route")) line.hidden = !this.automatic;
  }

  askAll() {
    const waiting = this.rows().filter((row) => row.state === "chosen");
    if (!this.automatic || this.busy()) return;
    for (const row of waiting.filter((one) => !one.asked)) {
      if (waiting.length > ASKED_AT_MOST) {
        row.tellVoice([`Automatic: of more than ${ASKED_AT_MOST} clips the voices are chosen when they are sounded.`]);
        continue;
      }
      row.asked = true;
      if (row.file.size > Number(this.form.dataset.probeBytes)) {
        row.tellVoice(["Automatic: the clip is too large to be sent twice, so its voice is chosen when it is sounded."]);
        continue;
      }
      row.tellVoice(["Automatic: looking which voice suits it"]);
      this.last = this.last.then(async () => {
        if (!this.rows().includes(row) || row.state !== "chosen" || this.busy()) return row.voice?.remove();
        const lines = await ask(this.form, row);
        if (lines) row.tellVoice(lines);
        else row.voice?.remove();
        this.show();
        this.told();
      });
    }
  }
}
