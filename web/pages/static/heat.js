// Maps that move over the video: drawn in the background, with a bar, then played where the picture was.

import { leftWords } from "./live.js";

const LOOK_AGAIN_MS = 800;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const token = () => document.querySelector('[name="csrf_token"]').value;

async function told(address, init) {
  const answer = await fetch(address, init).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (!answer?.ok) throw new Error(body?.detail ?? "the server does not answer");
  return body;
}

async function watch(link) {
  const figure = link.closest("figure");
  const picture = figure.querySelector("img");
  const line = document.createElement("p");
  const bar = document.createElement("progress");
  line.className = "hint";
  line.setAttribute("role", "status");
  bar.max = 1;
  bar.setAttribute("aria-label", "Progress of the drawing");
  link.hidden = true;
  figure.append(bar, line);
  try {
    let state = await told(link.dataset.moves, { method: "POST", headers: { "X-CSRF-Token": token() } });
    while (["waiting", "drawing"].includes(state.status)) {
      bar.value = state.fraction;
      const left = leftWords({ ...state, status: "running" });
      const words = `${state.status === "waiting" ? "Waiting for its turn" : "Drawing it"}${left ? `, ${left}` : ""}`;
      if (line.textContent !== words) line.textContent = words;
      await pause(LOOK_AGAIN_MS);
      state = await told(link.dataset.moves);
    }
    if (state.status !== "drawn") throw new Error(state.detail ?? "it could not be drawn");
    const video = document.createElement("video");
    Object.assign(video, { src: state.video, controls: true, loop: true, playsInline: true, poster: picture.src });
    video.setAttribute("aria-label", `${picture.alt}, moving`);
    video.addEventListener("loadeddata", () => picture.replaceWith(video), { once: true });
    video.addEventListener("error", () => (line.textContent = "This browser cannot play the video."));
    video.load();
    video.addEventListener("loadeddata", () => {
      bar.remove();
      line.remove();
      video.play().catch(() => {}); // with its sound, a browser may want to be asked by the player's own button
      video.focus();
    });
  } catch (error) {
    bar.remove();
    link.hidden = false;
    line.textContent = `That did not work: ${error.message}.`;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-moves]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  watch(link);
});
