// Live states: one stream for all jobs that a page shows, or reading them now and then where no stream is to be had.

const WORDS = JSON.parse(document.querySelector("main").dataset.words);
const READ_AGAIN_MS = 3000;
const NOBODY_AFTER_MS = 10_000;

/** Whether nothing more happens to a job by itself. */
export const over = (status) => !["queued", "running", "finishing"].includes(status);

/** Seconds for people. */
export function leftWords(state) {
  if (state.eta_s === null || state.eta_s === undefined || state.cancel_requested || over(state.status)) return "";
  const seconds = Math.round(state.eta_s);
  if (seconds < 1) return "nearly done";
  if (seconds < 60) return `done in about ${seconds} s`;
  return `done in about ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** What is going on, in words. */
export function stageWords(state) {
  if (state.status === "queued" && state.stage === "storing") return WORDS[state.stage] ?? "Waiting";
  if (state.status === "queued") return state.position > 1 ? `Waiting, number ${state.position} in the queue` : "Waiting";
  return state.cancel_requested ? "Stopping" : WORDS[state.stage] ?? "Working";
}

/** Whether it is time to say that nobody is there to do the work. */
export function nobodyThere(state, madeAtS) {
  return state.status === "queued" && state.workers === 0 && Date.now() - 1000 * madeAtS >= NOBODY_AFTER_MS;
}

/** Shows a state as the server writes it. */
export function markChip(chip, state) {
  if (!chip || chip.classList.contains(state)) return;
  chip.className = `chip ${state}`;
  chip.textContent = WORDS[`state:${state}`] ?? state;
}

/** Changes text only where it differs: each change makes the browser lay the line out again. */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Follows jobs: by `/v1/events`, or by `/v1/states` where streams are refused. `tell` gets what changed. */
export function followAll(query, tell) {
  let stream = null;
  let timer = 0;
  let stopped = false;
  const read = async () => {
    const answer = await fetch(`/v1/states?${query()}`).catch(() => null);
    if (answer?.ok) {
      const told = await answer.json();
      const there = new Set(told.jobs.map((job) => job.id));
      tell({ ...told, gone: (new URLSearchParams(query()).get("ids") ?? "").split(",").filter((id) => id && !there.has(id)) });
    }
    if (!stopped) timer = setTimeout(read, READ_AGAIN_MS);
  };
  const open = () => {
    stream = new EventSource(`/v1/events?${query()}`);
    stream.addEventListener("states", (event) => tell(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED && !stopped) read(); // refused for good, such as when too many are open
    });
  };
  const stop = () => {
    stopped = true;
    stream?.close();
    clearTimeout(timer);
  };
  const begin = () => {
    stopped = false;
    open();
  };
  begin();
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => event.persisted && begin()); // back out of the browser's own memory
  return { stop, again: () => (stop(), begin()) };
}

/** The cards of a page, each by its job. */
function waitingCards(box) {
  return new Map([...box.querySelectorAll("[data-waits]")].map((card) => [card.dataset.job, card]));
}

/** Puts a card as it is now in place of the one that is shown, where the pointer and the keyboard leave it alone. */
async function renew(card) {
  const answer = await fetch(`/jobs/${card.dataset.job}/card?pick=${Boolean(card.querySelector(".choose"))}`).catch(() => null);
  if (answer?.status === 404) return card.remove();
  if (!answer?.ok) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".card");
  const chosen = card.querySelector(".choose input")?.checked;
  const focused = card.contains(document.activeElement);
  card.replaceWith(made);
  if (chosen) made.querySelector(".choose input").checked = true;
  if (focused) made.querySelector(".title a").focus();
}

function showOn(card, state) {
  if (over(state.status)) {
    delete card.dataset.waits;
    return renew(card);
  }
  card.dataset.status = state.status;
  markChip(card.querySelector("[data-chip]"), state.status);
  const bar = card.querySelector("[data-progress]");
  if (bar && bar.value !== state.fraction) bar.value = state.fraction;
  const nobody = nobodyThere(state, Number(card.dataset.made));
  if (!nobody && state.workers === 0) setTimeout(() => card.dataset.status === "queued" && showOn(card, state), NOBODY_AFTER_MS);
  write(card.querySelector("[data-left]"), nobody ? "no worker is running" : leftWords(state));
}

function followCards(box) {
  let cards = waitingCards(box);
  const batch = document.querySelector("[data-batch]");
  const newer = document.querySelector("[data-newer]");
  const underway = document.querySelector("[data-underway]");
  let pending = [];
  let drawing = 0;
  let follower = null;

  const draw = () => {
    drawing = 0;
    for (const state of pending.splice(0)) {
      const card = cards.get(state.id);
      if (!card) continue;
      if (over(state.status)) cards.delete(state.id);
      showOn(card, state);
    }
    settle();
  };

  const settle = () => {
    if (batch) {
      const total = Number(batch.dataset.total);
      const done = total - cards.size;
      write(batch.querySelector("[data-stage]"), `${done} of ${total} finished`);
      batch.querySelector("[data-done]").value = done;
      if (done) batch.querySelector("[data-when-ready]").hidden = false;
      if (!cards.size) batch.querySelector("[data-while-active]")?.remove();
    }
    if (underway && !cards.size) underway.closest(".underway").remove();
    if (!cards.size && !box.dataset.newest) follower?.stop();
  };

  const tell = (told) => {
    pending.push(...told.jobs);
    for (const id of told.gone ?? []) {
      cards.get(id)?.remove();
      cards.delete(id);
    }
    if (newer && told.newer) {
      newer.hidden = false;
      write(newer.firstElementChild, told.newer === 1 ? "1 newer clip: show it" : `${told.newer} newer clips: show them`);
    }
    if (!drawing) drawing = requestAnimationFrame(draw);
    if (document.hidden) draw(); // a page that is not seen draws no frames
  };

  const query = () => {
    const asked = new URLSearchParams();
    if (cards.size) asked.set("ids", [...cards.keys()].slice(0, 200).join(","));
    if (box.dataset.newest) asked.set("newer_than", box.dataset.newest);
    return asked.toString();
  };
  if (cards.size || box.dataset.newest) follower = followAll(query, tell);
  box.addEventListener("cards:added", () => {
    cards = waitingCards(box);
    if (cards.size) follower ? follower.again() : (follower = followAll(query, tell));
  });
}

for (const box of document.querySelectorAll("[data-live]")) followCards(box);
