// The parts of the page that tell of one take, fetched anew from the server when another take is worked on.

let asked = 0;

/** @param {string} page address of the job's page */
export async function showTake(page, take) {
  const address = `${page}?take=${take}`;
  history.replaceState(null, "", address);
  const turn = (asked += 1);
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok || turn !== asked) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-swap]")) {
    const other = fresh.querySelector(`[data-swap="${part.dataset.swap}"]`);
    if (other) part.replaceChildren(...other.childNodes);
  }
}
