// The gallery and the batch: choosing, more as one scrolls, a place that is kept, clips that play where the pointer is.

import { markChip } from "./live.js";

const cards = document.querySelector(".cards");
const pager = document.querySelector("[data-pager]");
const selection = document.querySelector("#selection");
const still = matchMedia("(prefers-reduced-motion: reduce)");

document.documentElement.classList.add("scripted");

// What one chooses in the sieve counts at once; without scripts a button says so.
const sieve = document.querySelector("[data-sieve]");
if (sieve) {
  sieve.querySelector("[data-apply]").hidden = true;
  sieve.addEventListener("change", (event) => {
    if (event.target.type === "date" && event.target.value === "" && event.target.validity.badInput) return;
    sieve.requestSubmit();
  });
  sieve.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
}

/** How many are chosen; what can be done with them shows only then. */
function showChosen() {
  if (!selection) return;
  const count = document.querySelectorAll(".choose input:checked").length;
  selection.querySelector("[data-chosen]").textContent = count === 0 ? "" : count === 1 ? "1 result chosen:" : `${count} results chosen:`;
  selection.classList.toggle("some", count > 0);
}

let last = null;
cards?.addEventListener("click", (event) => {
  const box = event.target.closest(".choose input");
  if (!box) return;
  const boxes = [...cards.querySelectorAll(".choose input")];
  if (event.shiftKey && last) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  last = box;
  showChosen();
});
cards?.addEventListener("change", showChosen);
window.addEventListener("pageshow", showChosen);

/** Sends a card's own button and stays where one is. */
async function press(button) {
  const body = new FormData(button.form, button);
  const answer = await fetch(button.formAction, { method: "POST", body, redirect: "manual" }).catch(() => null);
  return answer && (answer.type === "opaqueredirect" || answer.ok);
}

cards?.addEventListener("click", async (event) => {
  const button = event.target.closest('button[form="quick"]');
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  const done = await press(button);
  button.disabled = false;
  if (!done) return button.form.requestSubmit(button); // the page that answers says what was wrong
  if (button.classList.contains("star")) {
    const marked = button.value === "true";
    button.value = marked ? "false" : "true";
    button.setAttribute("aria-pressed", String(marked));
    button.firstElementChild.textContent = marked ? "★" : "☆";
  } else {
    const card = button.closest(".card");
    button.hidden = true;
    if (card.dataset.status === "queued") markChip(card.querySelector("[data-chip]"), "canceled");
  }
});

// More, page after page. How far one got and where one was is kept with the entry of the history, and found again.
let loading = null;
async function more() {
  const link = pager?.querySelector('[rel="next"]');
  if (!link || loading) return loading;
  loading = (async () => {
    link.setAttribute("aria-busy", "true");
    const answer = await fetch(link.href).catch(() => null);
    link.removeAttribute("aria-busy");
    if (!answer?.ok) return false; // the link stays, and leads to the same as a page
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    cards.append(...page.querySelectorAll(".cards > .card"));
    const next = page.querySelector('[data-pager] [rel="next"]');
    if (next) link.href = next.getAttribute("href");
    else link.remove();
    cards.dispatchEvent(new Event("cards:added"));
    history.replaceState({ ...history.state, pages: (history.state?.pages ?? 1) + 1 }, "");
    return true;
  })();
  const went = await loading;
  loading = null;
  return went;
}

async function findPlace() {
  const { pages = 1, top = 0 } = history.state ?? {};
  if (pages < 2) return;
  history.scrollRestoration = "manual";
  history.replaceState({ ...history.state, pages: 1 }, "");
  for (let page = 1; page < pages; page += 1) if (!(await more())) break;
  window.scrollTo({ top, behavior: "instant" });
}

if (pager && cards) {
  let noted = 0;
  window.addEventListener("scroll", () => {
    clearTimeout(noted);
    noted = setTimeout(() => history.replaceState({ ...history.state, top: window.scrollY }, ""), 150);
  });
  window.addEventListener("pagehide", () => history.replaceState({ ...history.state, top: window.scrollY }, ""));
  findPlace().then(() => {
    new IntersectionObserver(async (seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      while ((await more()) && pager.getBoundingClientRect().top < innerHeight + 600); // a short page may need two
    }, { rootMargin: "600px" }).observe(pager);
  });
  pager.addEventListener("click", (event) => {
    if (!event.target.closest('[rel="next"]') || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    more();
  });
}

// A clip plays, muted, where the pointer rests; with its sound where somebody asks for it.
let playing = null;

function stop() {
  playing?.video.remove();
  playing?.card.classList.remove("plays");
  if (playing) playing.button.textContent = "Listen";
  playing = null;
}

function play(card, { sound }) {
  if (playing?.card === card) {
    if (sound) {
      playing.video.muted = !playing.video.muted;
      playing.button.textContent = playing.video.muted ? "Listen" : "Stop";
    }
    return;
  }
  stop();
  const video = document.createElement("video");
  Object.assign(video, { src: card.dataset.preview, muted: !sound, loop: true, playsInline: true });
  video.setAttribute("aria-hidden", "true");
  video.tabIndex = -1;
  card.querySelector(".picture").append(video);
  card.classList.add("plays");
  const button = card.querySelector(".listen");
  button.textContent = sound ? "Stop" : "Listen";
  playing = { card, video, button };
  video.play().catch(() => {
    video.muted = true; // a browser may want a click of its own before there is sound
    video.play().catch(stop);
  });
}

function addListen(card) {
  if (!card.dataset.preview || card.querySelector(".listen")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "listen";
  button.textContent = "Listen";
  button.setAttribute("aria-label", `Listen to ${card.querySelector(".title").textContent.trim()}`);
  button.addEventListener("click", () => (playing?.card === card && !playing.video.muted ? stop() : play(card, { sound: true })));
  card.querySelector(".frame").append(button);
}

let resting = 0;
cards?.addEventListener("pointerover", (event) => {
  const card = event.target.closest(".card");
  if (event.pointerType !== "mouse" || still.matches || !card?.dataset.preview || playing?.card === card) return;
  clearTimeout(resting);
  resting = setTimeout(() => play(card, { sound: false }), 180);
});
cards?.addEventListener("pointerout", (event) => {
  const card = event.target.closest(".card");
  if (event.pointerType !== "mouse" || card?.contains(event.relatedTarget)) return;
  clearTimeout(resting);
  if (playing?.card === card && playing.video.muted) stop();
});
document.addEventListener("keydown", (event) => event.key === "Escape" && stop());
if (cards) {
  const dress = () => cards.querySelectorAll(".card").forEach(addListen);
  dress();
  new MutationObserver(dress).observe(cards, { childList: true });
}
