// The board of sounds: plays in place, searches while one types, and hands turned knobs on as a prompt. Without this
// module the buttons open the sound in the browser's own player, and the search takes a button.

document.documentElement.classList.add("scripted");
const found = document.querySelector("[data-found]");
const cards = [...document.querySelectorAll("[data-sound]")];
const player = new Audio();
let playing = null;

function label(button, on) {
  button.textContent = on ? "Stop" : "Play";
  button.setAttribute("aria-pressed", String(on));
}

function stop() {
  player.pause();
  if (playing) label(playing, false);
  playing = null;
}

player.addEventListener("ended", stop);
player.addEventListener("error", () => {
  if (!playing) return;
  found.textContent = "That sound could not be made just now; try again.";
  stop();
});

/** What was turned away from where it stood, as [name, value]. */
function turned(form) {
  return [...form.querySelectorAll('input[type="range"]')]
    .filter((knob) => knob.value !== knob.defaultValue)
    .map((knob) => [knob.name, Number(Number(knob.value).toPrecision(3))]);
}

/** The knobs of a sound stand on a page of its own; they are put in their place when somebody wants to turn them. */
async function loadKnobs(details) {
  const link = details.querySelector("[data-knobs]");
  link.textContent = "Loading…";
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    link.replaceWith(page.querySelector("[data-knob-list]"));
  } catch {
    link.textContent = "They could not be loaded just now; here is their page";
  }
}

for (const details of document.querySelectorAll("details:has([data-knobs])")) {
  details.addEventListener("toggle", () => loadKnobs(details), { once: true });
}

for (const card of cards) {
  const form = card.querySelector("form");
  const button = form.querySelector("[data-play]");
  const use = form.querySelector("[data-use]");
  const plain = use.href;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const same = playing === button;
    stop();
    if (same) return;
    const asked = new URLSearchParams(turned(form));
    asked.set("seed", form.elements.seed?.value || "0");
    player.src = `${form.action}?${asked}`;
    playing = button;
    label(button, true);
    player.play().catch(() => {}); // its error event tells
  });
  form.addEventListener("input", ({ target }) => {
    if (target.type !== "range") return;
    const output = target.parentElement.querySelector("output");
    output.value = `${Number(Number(target.value).toPrecision(3))} ${output.dataset.unit}`.trim();
    const settings = turned(form);
    const prompt = [card.dataset.sound, ...settings.map(([name, value]) => `${name} ${value}`)].join(", ");
    use.href = settings.length ? plain.replace(/sound_class=.*/, `prompt=${encodeURIComponent(prompt)}`) : plain;
  });
}

const search = document.querySelector("[data-sound-search]");
search.addEventListener("input", ({ target }) => {
  if (cards.length < Number(search.dataset.all)) return; // the page shows what was asked for before: the button asks anew
  const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.words.includes(word));
    if (!card.hidden) count += 1;
  }
  for (const family of document.querySelectorAll("[data-family]")) {
    family.hidden = !family.querySelector("[data-sound]:not([hidden])");
  }
  found.textContent = `${count || "No"} sound${count === 1 ? "" : "s"} found.`;
});
