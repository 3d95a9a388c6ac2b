// The upload page: clips from anywhere, seen before they are sent, sent one by one with a bar, kept until they are.
// Without this module the form sends them all in one request.

import { catchDrops, clipsOf, gathered } from "./gathering.js";
import { openKept } from "./kept.js";
import { Refused, send, upload } from "./resumable.js";
import { element, Row, size } from "./row.js";
import { VoiceGuesses } from "./voice.js";

const form = document.querySelector("[data-uploader]");
const drop = form.querySelector("[data-drop]");
const picker = form.querySelector("#clips");
const folder = form.querySelector("#folder");
const list = form.querySelector("[data-files]");
const sendButton = form.querySelector("[data-send]");
const status = form.querySelector("[data-status]");
const maxBytes = Number(form.dataset.maxBytes);
const resumableBytes = Number(form.dataset.resumableBytes);
const AT_ONCE = 2;
const CHOICES = `sonorize-choices-${form.dataset.owner}`;

/** @type {Row[]} */
let rows = [];
let sending = false;
let batch = null;
const token = () => form.querySelector('[name="csrf_token"]').value;
const kept = await openKept(form.dataset.owner);
const guesses = new VoiceGuesses(form, () => rows, () => sending, () => show());
const keep = (row) => kept.put({ id: row.id, number: row.number, file: row.file, link: row.link });

document.documentElement.classList.add("scripted");
if (matchMedia("(pointer: fine)").matches) form.querySelector("[data-invitation]").textContent = "Drop video files or folders here, or choose them";
picker.required = false;
folder.closest("[hidden]").hidden = !("webkitdirectory" in folder);

const say = (text) => (status.textContent = text);
const some = (count, noun) => (count === 1 ? `1 ${noun}` : `${count} ${noun}s`);
const inState = (...states) => rows.filter((row) => states.includes(row.state));

function add(files, { others = 0, remembered = [] } = {}) {
  const numbered = [...files].map((file, at) => ({ id: crypto.randomUUID?.() ?? `${Date.now()}-${at}`, number: Date.now() + at / 1000, file }));
  for (const one of [...remembered, ...numbered]) {
    const row = new Row(one, { remove, retry });
    rows.push(row);
    list.append(row.element);
    if (row.file.size === 0) row.refuse("The file is empty.", true);
    else if (row.file.size > maxBytes) row.refuse(`It is larger than ${size(maxBytes)}, the most that is taken here.`, true);
    else if (!remembered.includes(one)) keep(row);
  }
  if (others) say(`${some(others, "file")} in the folder ${others === 1 ? "is no video and was" : "are no videos and were"} left out.`);
  else if (numbered.length) say("");
  show();
  guesses.askAll();
}

function remove(row) {
  row.stopping?.abort(new DOMException("taken back", "AbortError"));
  row.asking?.abort();
  row.closePlayer();
  if (row.link) fetch(row.link, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0", "X-CSRF-Token": token() } }).catch(() => {});
  const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
  rows = rows.filter((other) => other !== row);
  row.element.remove();
  kept.remove(row.id);
  show();
  (next?.querySelector("button:not([hidden])") ?? picker).focus();
}

function retry(row) {
  row.rest();
  show();
  if (!sending) sendAll([row]);
}

function show() {
  list.hidden = rows.length === 0;
  drop.classList.toggle("filled", rows.length > 0);
  const ready = inState("chosen").filter((row) => !row.doubtful).length;
  sendButton.textContent = ready > 1 ? `Make ${ready} sounds` : "Make the sound";
}

/** The options that are chosen, as the API takes them. */
function options() {
  const chosen = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (name !== "file" && name !== "csrf_token" && value !== "") chosen.append(name, value);
  }
  return chosen;
}

/** Sends one clip: a large one in pieces that a cut does not lose, a small one in one go. */
async function post(row) {
  const body = options();
  if (batch) body.append("batch_id", batch);
  const { signal } = row.stopping;
  if (resumableBytes && row.file.size > resumableBytes) {
    const begun = (link) => {
      row.link = link;
      keep(row);
    };
    const id = await upload(row.file, { link: row.link, token: token(), signal, begun, progress: (sent) => row.progress(sent / row.file.size) });
    body.append("upload", id);
  } else {
    body.append("file", row.file);
  }
  const whole = row.file.size;
  const progress = body.has("file") ? (sent, total) => row.progress(Math.min(1, sent / (total || whole))) : () => {};
  return send("POST", form.dataset.to, { headers: { "X-CSRF-Token": token() }, body, signal, progress });
}

async function sendOne(row) {
  row.begin();
  try {
    const { status: code, answer } = await post(row);
    if (code !== 202) throw new Refused(code, answer);
    row.sent(answer.links.page);
    row.link = null;
    kept.remove(row.id);
  } catch (error) {
    if (row.stopping.signal.aborted) return;
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      row.refuse("You are not logged in any more. The list is kept: log in again, then send it.", false);
      return askForLogIn();
    }
    const forGood = error instanceof Refused && [400, 413, 415, 422].includes(error.status);
    row.refuse(error instanceof Refused ? error.message : "The connection was cut. What had arrived is kept for a while: try again.", forGood);
    if (forGood) kept.remove(row.id);
  }
}

function askForLogIn() {
  if (status.querySelector("a")) return;
  const link = element("a", "", "Log in again");
  link.href = `/login?next=${encodeURIComponent(window.location.pathname + window.location.search)}`;
  status.replaceChildren(link, " – the list is kept.");
}

async function sendAll(waiting) {
  if (!waiting.length) {
    say(rows.length ? "Nothing is left to send." : "Choose a clip first.");
    picker.focus();
    return;
  }
  sending = true;
  sendButton.disabled = true;
  say("");
  batch ??= rows.length > 1 ? form.dataset.batch : null;
  const queue = [...waiting];
  const one = async () => {
    for (let row = queue.shift(); row; row = queue.shift()) {
      if (!rows.includes(row)) continue;
      if (!status.querySelector("a")) say(queue.length ? `Sending, ${queue.length} more to come` : "Sending");
      await sendOne(row);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  sending = false;
  sendButton.disabled = false;
  finish();
}

/** Says what became of all that is on the list, or goes to where it is. */
function finish() {
  const sent = inState("sent");
  const where = batch ? `/batches/${batch}` : sent[0]?.page;
  if (sent.length && sent.length === rows.length) {
    window.location.assign(where);
    return;
  }
  show();
  if (status.querySelector("a")) return; // to log in comes first
  say(sent.length ? `${sent.length} of ${rows.length} ${sent.length === 1 ? "was" : "were"} accepted. ` : "Nothing was accepted.");
  if (sent.length) {
    const link = element("a", "", sent.length === 1 ? "Go to it" : "Go to them");
    link.href = where;
    status.append(link);
  }
}

/** Shows what means something for the voice that is chosen; what is hidden is not sent either. */
function fitToMode() {
  const mode = form.elements.mode.value;
  for (const field of form.querySelectorAll("[data-modes]")) {
    field.hidden = !field.dataset.modes.split(" ").includes(mode);
    for (const control of field.querySelectorAll("select, input")) control.disabled = field.hidden;
  }
  guesses.show();
  guesses.askAll();
}

/** The choices of the form survive a reload as the clips do. */
function keepChoices() {
  try {
    sessionStorage.setItem(CHOICES, JSON.stringify([...options()].filter(([, value]) => typeof value === "string")));
  } catch {
    // in a private window there may be no room for it
  }
}

function findChoices() {
  if (new URLSearchParams(window.location.search).size) return; // an address that names its choices has the last word
  for (const [name, value] of JSON.parse(sessionStorage.getItem(CHOICES) ?? "[]")) {
    const control = form.elements[name];
    if (control?.type === "checkbox") control.checked = value === control.value;
    else if (control && "value" in control) control.value = value;
  }
}

form.addEventListener("change", keepChoices);
form.elements.mode.addEventListener("change", fitToMode);
form.elements.material?.addEventListener("change", fitToMode);
window.addEventListener("pageshow", fitToMode); // a page that comes back keeps its choices
picker.addEventListener("change", () => {
  add(picker.files);
  picker.value = "";
});
folder.addEventListener("change", () => {
  const { clips, others } = clipsOf([...folder.files]);
  add(clips, { others });
  folder.value = "";
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!sending) sendAll(inState("chosen"));
});
catchDrops(drop, async (transfer) => {
  const { clips, others } = await gathered(transfer);
  if (!sending) add(clips, { others });
});
window.addEventListener("paste", async (event) => {
  if (sending || !event.clipboardData?.files.length) return;
  event.preventDefault();
  const { clips, others } = await gathered(event.clipboardData);
  add(clips, { others });
});
window.addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});

findChoices();
fitToMode();
const remembered = await kept.all();
if (remembered.length) {
  add([], { remembered });
  say(`${some(remembered.length, "clip")} from before ${remembered.length === 1 ? "is" : "are"} still here.`);
}
if (picker.files.length) {
  add(picker.files);
  picker.value = "";
}
