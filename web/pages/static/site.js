// What pages gain with scripts: live progress, seeking by the score and the hit list, copying examples.

const WORDS = JSON.parse(document.querySelector("main").dataset.words);
const LOOK_AGAIN_MS = 1500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Shows a state as the server writes it. */
function mark(chip, state) {
  if (!chip || chip.classList.contains(state)) return;
  chip.className = `chip ${state}`;
  chip.textContent = WORDS[`state:${state}`] ?? state;
}

/** Follows one job to its end: by events, or by reading it where streams are not to be had. */
function followJob(job) {
  const stage = job.querySelector("[data-stage]");
  const bar = job.querySelector("[data-progress]");
  const percent = job.querySelector("[data-percent]");
  const chip = job.querySelector("[data-chip]");
  const keep = job.querySelector("[data-keep]");
  let spoken = stage.textContent.trim();

  const show = (state) => {
    const words =
      state.status === "queued"
        ? state.position > 1 ? `Waiting, number ${state.position} in the queue` : "Waiting"
        : state.cancel_requested ? "Stopping" : WORDS[state.stage] ?? "Working";
    if (words !== spoken) stage.textContent = spoken = words; // said aloud only when it changes
    mark(chip, state.status);
    if (keep) keep.hidden = state.status === "queued"; // there is nothing to keep yet
    bar.value = state.fraction;
    percent.textContent = `${Math.round(100 * state.fraction)} %`;
    const over = !["queued", "running", "finishing"].includes(state.status);
    if (over) window.location.reload();
    return over;
  };

  const poll = async () => {
    for (;;) {
      await pause(LOOK_AGAIN_MS);
      const answer = await fetch(job.dataset.self).catch(() => null);
      if (answer?.status === 404) return window.location.reload();
      if (!answer?.ok) continue;
      const told = await answer.json();
      if (show({ ...told, ...told.progress, position: told.queue?.position })) return;
    }
  };

  const stream = new EventSource(job.dataset.events);
  stream.addEventListener("state", (event) => {
    if (show(JSON.parse(event.data))) stream.close();
  });
  stream.addEventListener("gone", () => window.location.reload());
  stream.addEventListener("unauthorized", () => window.location.reload()); // to the log-in
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) poll(); // refused for good, such as when too many are open
  });
  window.addEventListener("pagehide", () => stream.close());
}

async function followBatch(batch) {
  const stage = batch.querySelector("[data-stage]");
  const bar = batch.querySelector("[data-progress]");
  let done = Number(batch.dataset.done);
  for (;;) {
    await pause(LOOK_AGAIN_MS);
    const answer = await fetch(batch.dataset.self).catch(() => null);
    if (!answer?.ok) continue;
    const told = await answer.json();
    const over = told.jobs.filter((job) => !["queued", "running", "finishing"].includes(job.status)).length;
    for (const job of told.jobs) {
      mark(batch.querySelector(`[data-job="${CSS.escape(job.id)}"] [data-chip]`), job.status);
    }
    bar.value = over;
    if (over !== done) stage.textContent = `${(done = over)} of ${told.jobs.length} finished`;
    if (told.status === "finished") return window.location.reload();
  }
}

/** Ties the player to the score and to the table of hits. */
function bindPlayer(player) {
  const box = document.querySelector("[data-score]");
  const head = box?.querySelector("[data-head]");
  const rows = [...document.querySelectorAll("[data-seek]")].map((button) => ({
    button,
    row: button.closest("tr"),
    time: Number(button.dataset.seek),
  }));
  const go = (time) => {
    player.currentTime = Math.max(0, time - 0.05);
    player.play().catch(() => {}); // a browser may want to be asked by the player's own button
  };
  for (const { button, time } of rows) {
    button.disabled = false;
    button.setAttribute("aria-label", `Play from ${button.textContent.trim()}`);
    button.addEventListener("click", () => go(time));
  }
  if (!box) return;
  const duration = Number(box.dataset.duration);
  box.classList.add("live");
  box.addEventListener("click", (event) => {
    const frame = box.getBoundingClientRect();
    go((duration * (event.clientX - frame.left)) / frame.width);
  });
  const follow = () => {
    box.classList.toggle("begun", player.currentTime > 0);
    head.setAttribute("transform", `translate(${(1000 * player.currentTime) / duration} 0)`);
    for (const { row, time } of rows) row.classList.toggle("now", !player.paused && Math.abs(player.currentTime - time - 0.1) < 0.15);
    if (!player.paused) requestAnimationFrame(follow);
  };
  for (const kind of ["play", "seeked", "pause", "loadedmetadata"]) player.addEventListener(kind, follow);
}

function bindCopying(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1600);
  });
}

for (const job of document.querySelectorAll('[data-job][data-active="true"]')) followJob(job);
for (const batch of document.querySelectorAll('[data-batch][data-active="true"]')) followBatch(batch);
for (const player of document.querySelectorAll("[data-player]")) bindPlayer(player);
for (const button of document.querySelectorAll("[data-copy]")) bindCopying(button);
