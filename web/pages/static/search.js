// The search page: a file dropped anywhere on the page is searched with at once. Without this module it takes a button.

import { catchDrops } from "./upload/gathering.js";

const form = document.querySelector("[data-alike]");
const drop = form.querySelector("[data-drop]");
const picker = form.querySelector('input[type="file"]');
const status = form.querySelector("[data-status]");
const send = form.querySelector("[data-send]");
const maxBytes = Number(form.dataset.maxBytes);

document.documentElement.classList.add("scripted");
if (matchMedia("(pointer: fine)").matches) {
  form.querySelector("[data-invitation]").textContent = "Or drop a picture, a sound or a clip here";
}
send.hidden = true; // choosing is enough

function search() {
  const [file] = picker.files;
  if (!file) return;
  if (file.size > maxBytes) {
    status.textContent = `${file.name} is larger than ${Math.round(maxBytes / 2 ** 20)} MiB, the most that is taken here.`;
    return;
  }
  status.textContent = `Looking for what is like ${file.name} …`;
  drop.classList.add("over");
  form.requestSubmit();
}

picker.addEventListener("change", search);
for (const choice of form.querySelectorAll("select")) choice.addEventListener("change", search); // of the file chosen before

catchDrops(drop, (transfer) => {
  if (!transfer.files.length) return;
  const first = new DataTransfer();
  first.items.add(transfer.files[0]);
  picker.files = first.files;
  search();
});

// Back from a result the page may come as it was left.
window.addEventListener("pageshow", () => {
  status.textContent = "";
  drop.classList.remove("over");
});
