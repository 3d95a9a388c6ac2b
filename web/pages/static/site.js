// What pages gain with scripts: live progress, seeking by the score and the hit list, copying examples.

import { leftWords, markChip, nobodyThere, over, stageWords } from "./live.js";

const LOOK_AGAIN_MS = 1500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Follows one job to its end: by events, or by reading it where streams are not to be had. */
function followJob(job) {
  const stage = job.querySelector("[data-stage]");
  const bar = job.querySelector("[data-progress]");
  const percent = job.querySelector("[data-percent]");
  const left = job.querySelector("[data-left]");
  const nobody = job.querySelector("[data-nobody]");
  const chip = job.querySelector("[data-chip]");
  const keep = job.querySelector("[data-keep]");
  let spoken = stage.textContent.trim();
  let latest = null;

  const show = (state) => {
    latest = state;
    const words = stageWords(state);
    if (words !== spoken) stage.textContent = spoken = words; // said aloud only when it changes
    markChip(chip, state.status);
    if (keep) keep.hidden = state.status === "queued"; // there is nothing to keep yet
    bar.value = state.fraction;
    percent.textContent = `${Math.round(100 * state.fraction)} %`;
    left.textContent = leftWords(state);
    nobody.hidden = !nobodyThere(state, Number(job.dataset.made));
    if (over(state.status)) window.location.reload();
    return over(state.status);
  };
  setInterval(() => latest && (nobody.hidden = !nobodyThere(latest, Number(job.dataset.made))), 1000);

  const poll = async () => {
    for (;;) {
      await pause(LOOK_AGAIN_MS);
      const answer = await fetch(job.dataset.self).catch(() => null);
      if (answer?.status === 404) return window.location.reload();
      if (!answer?.ok) continue;
      const told = await answer.json();
      if (show({ ...told, ...told.progress, ...told.queue })) return;
    }
  };

  const stream = new EventSource(job.dataset.events);
  stream.addEventListener("state", (event) => {
    if (show(JSON.parse(event.data))) stream.close();
  });
  stream.addEventListener("gone", () => window.location.reload());
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) poll(); // refused for good, such as when too many are open
  });
  window.addEventListener("pagehide", () => stream.close());
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

/** Copies the value of a field. */
function bindValueCopying(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copyValue);
    field.select();
    await navigator.clipboard?.writeText(field.value).then(() => (button.textContent = "Copied"), () => {});
  });
}

for (const job of document.querySelectorAll('[data-job][data-active="true"]')) followJob(job);
for (const player of document.querySelectorAll("[data-player]")) bindPlayer(player);
for (const button of document.querySelectorAll("[data-copy]")) bindCopying(button);
for (const button of document.querySelectorAll("[data-copy-value]")) bindValueCopying(button);
