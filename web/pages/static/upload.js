// The upload page: files by drag and drop, checked before they are sent, each with its own bar.
// Without this module the form sends them all in one request.

const form = document.querySelector("[data-uploader]");
const drop = form.querySelector("[data-drop]");
const picker = form.querySelector('input[type="file"]');
const list = form.querySelector("[data-files]");
const send = form.querySelector("[data-send]");
const status = form.querySelector("[data-status]");
const invitation = form.querySelector("[data-invitation]");
const maxBytes = Number(form.dataset.maxBytes);
const AT_ONCE = 2;
const ASKED_AT_MOST = 3; // so many clips are sent ahead to ask which voice suits them

/** @type {{file: File, row: HTMLElement, state: string, page?: string, asked?: boolean, asking?: AbortController}[]} */
let entries = [];
let sending = false;

document.documentElement.classList.add("scripted");
if (matchMedia("(pointer: fine)").matches) invitation.textContent = "Drop video files here, or choose them";
picker.required = false;

function size(bytes) {
  for (const unit of ["bytes", "KiB", "MiB"]) {
    if (bytes < 1024) return `${unit === "bytes" ? bytes : bytes.toFixed(bytes < 10 ? 1 : 0)} ${unit}`;
    bytes /= 1024;
  }
  return `${bytes.toFixed(1)} GiB`;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function say(text) {
  status.textContent = text;
}

function refuse(entry, why) {
  entry.state = "refused";
  entry.row.querySelector("progress")?.remove();
  entry.row.querySelector(".what").textContent = "Refused";
  entry.row.append(element("p", "why", why));
}

function add(files) {
  for (const file of files) {
    const row = element("li");
    const remove = element("button", "quiet", "Remove");
    const entry = { file, row, state: "chosen" };
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => {
      entries = entries.filter((other) => other !== entry);
      entry.asking?.abort();
      row.remove();
      show();
      (list.querySelector("button") ?? picker).focus();
    });
    row.append(element("span", "name", file.name), element("span", "what", size(file.size)), remove);
    list.append(row);
    entries.push(entry);
    if (file.size === 0) refuse(entry, "The file is empty.");
    else if (file.size > maxBytes) refuse(entry, `It is larger than ${size(maxBytes)}, the most that is taken here.`);
  }
  show();
  askAll();
}

/** What mode auto makes of a clip, as a list of lines: one, or one more for each range. */
function routeWords(route) {
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

/** The voice is the picture's to choose: none is named, nor anything that goes with one only. */
function automatic() {
  return form.elements.mode.value === "auto" && !form.elements.material?.value;
}

async function ask(entry) {
  const line = element("p", "route", "Automatic: looking which voice suits it");
  entry.row.append(line);
  entry.asking = new AbortController();
  const body = new FormData();
  body.append("route", "true");
  body.append("file", entry.file);
  try {
    const headers = { "X-CSRF-Token": form.querySelector('[name="csrf_token"]').value };
    const response = await fetch(form.dataset.probe, { method: "POST", headers, body, signal: entry.asking.signal });
    const { route } = response.ok ? await response.json() : {};
    if (!route) return line.remove(); // no worker was free, or the clip is refused: sending it will tell
    const [first, ...others] = routeWords(route);
    line.textContent = first;
    if (others.length) {
      const parts = element("ul");
      parts.append(...others.map((text) => element("li", "", text)));
      const box = element("div", "route");
      box.append(element("span", "", first), parts);
      line.replaceWith(box);
    }
    showRoutes();
  } catch {
    line.remove(); // it was taken back, or the connection was cut
  }
}

/** Asks for clip after clip, while the picture is to choose the voice. */
let asking = Promise.resolve();
function askAll() {
  const waiting = entries.filter((entry) => entry.state === "chosen");
  if (!automatic() || sending || waiting.length > ASKED_AT_MOST) return;
  for (const entry of waiting) {
    if (entry.asked || entry.file.size > Number(form.dataset.probeBytes)) continue;
    entry.asked = true;
    asking = asking.then(() => (entries.includes(entry) && entry.state === "chosen" && !sending ? ask(entry) : null));
  }
}

function showRoutes() {
  for (const line of list.querySelectorAll(".route")) line.hidden = !automatic();
}

function show() {
  list.hidden = entries.length === 0;
  drop.classList.toggle("filled", entries.length > 0);
  const ready = entries.filter((entry) => entry.state === "chosen").length;
  send.textContent = ready > 1 ? `Make ${ready} sounds` : "Make the sound";
}

/** Sends one file; the promise holds the answer, read as JSON. */
function post(entry, batch) {
  const body = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (name !== "file" && name !== "csrf_token" && value !== "") body.append(name, value);
  }
  if (batch) body.append("batch_id", batch);
  body.append("file", entry.file);
  const bar = element("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Upload of ${entry.file.name}`);
  entry.row.querySelector("button")?.remove();
  entry.row.append(bar);
  const what = entry.row.querySelector(".what");
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.to);
    request.setRequestHeader("X-CSRF-Token", form.querySelector('[name="csrf_token"]').value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.loaded / event.total;
      what.textContent = event.loaded < event.total ? `${Math.floor(100 * bar.value)} %` : "Looking at it";
    });
    request.addEventListener("load", () => resolve({ status: request.status, answer: request.response }));
    request.addEventListener("error", () => reject(new Error("The connection was cut; nothing was kept.")));
    request.send(body);
  });
}

async function upload(entry, batch) {
  entry.state = "sending";
  entry.asking?.abort();
  try {
    const { status: code, answer } = await post(entry, batch);
    if (code !== 202) return refuse(entry, answer?.detail ? `${answer.title}: ${answer.detail}.` : `The server answered ${code}.`);
    entry.state = "sent";
    entry.page = answer.links.page;
    entry.row.querySelector(".what").textContent = "Sent";
  } catch (error) {
    refuse(entry, error.message);
  }
}

async function uploadAll() {
  const waiting = entries.filter((entry) => entry.state === "chosen");
  if (!waiting.length) {
    say("Choose a clip first.");
    picker.focus();
    return;
  }
  sending = true;
  send.disabled = true;
  const batch = waiting.length > 1 ? form.dataset.batch : null;
  const queue = [...waiting];
  const one = async () => {
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      say(waiting.length > 1 ? `Sending, ${queue.length} more to come` : "Sending");
      await upload(entry, batch);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  sending = false;
  send.disabled = false;
  const sent = waiting.filter((entry) => entry.state === "sent");
  const where = batch ? `/batches/${batch}` : sent[0]?.page;
  if (sent.length && sent.length === waiting.length) {
    window.location.assign(where);
    return;
  }
  say(sent.length ? `${sent.length} of ${waiting.length} were accepted. ` : "Nothing was accepted.");
  if (sent.length) {
    const link = element("a", "", "Go to them");
    link.href = where;
    status.append(link);
  }
  show();
}

/** Shows what means something for the voice that is chosen; what is hidden is not sent either. */
function fitToMode() {
  const mode = form.elements.mode.value;
  for (const field of form.querySelectorAll("[data-modes]")) {
    field.hidden = !field.dataset.modes.split(" ").includes(mode);
    for (const control of field.querySelectorAll("select, input")) control.disabled = field.hidden;
  }
  showRoutes();
  askAll();
}

form.elements.mode.addEventListener("change", fitToMode);
form.elements.material?.addEventListener("change", fitToMode);
window.addEventListener("pageshow", fitToMode); // a page that comes back keeps its choices
fitToMode();

picker.addEventListener("change", () => {
  add(picker.files);
  picker.value = "";
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!sending) uploadAll();
});
let depth = 0;
for (const [kind, step] of [["dragenter", 1], ["dragleave", -1]]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    depth += step;
    drop.classList.toggle("over", depth > 0);
  });
}
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  drop.classList.remove("over");
  if (!sending && event.dataTransfer.files.length) add(event.dataTransfer.files);
});
window.addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});
if (picker.files.length) {
  add(picker.files);
  picker.value = "";
}
