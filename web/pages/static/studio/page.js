// The parts of the page that tell of one take, fetched anew from the server when another take is worked on.

const LISTENED_AFTER_MS = 2000;
const MOST_LOOKS = 10;

let asked = 0;

/** @param {string} page address of the job's page */
export async function showTake(page, take) {
  const address = `${page}?take=${take}`;
  history.replaceState(null, "", address);
  const turn = (asked += 1);
  await show(address, turn, document.querySelectorAll("[data-swap]"));
  listenedTo(address, turn);
}

/** A take that has just been made is listened to a moment later: what is then known of it is shown too. */
async function listenedTo(address, turn) {
  for (let look = 1; look < MOST_LOOKS && document.querySelector("[data-listening]"); look += 1) {
    await new Promise((done) => setTimeout(done, LISTENED_AFTER_MS));
    await show(address, turn, document.querySelectorAll('[data-swap="heard"]'));
  }
}

async function show(address, turn, parts) {
  if (turn !== asked) return;
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok || turn !== asked) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const other = fresh.querySelector(`[data-swap="${part.dataset.swap}"]`);
    if (other) part.replaceChildren(...other.childNodes);
  }
}
