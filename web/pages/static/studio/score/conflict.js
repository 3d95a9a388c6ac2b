// The question when a draft was changed elsewhere: whose version stays.

import { el } from "../dom.js";

/** @returns {Promise<"theirs"|"mine"|null>} null where the question was put off */
export function askWhose(mine, theirs) {
  return new Promise((resolve) => {
    const answer = (value, words, className = "") => el("button", { value, className }, words);
    const dialog = el("dialog", { className: "sheetbox", data: { conflict: "" }, aria: { labelledby: "conflict-title" } },
      el("form", { method: "dialog" },
        el("h2", { id: "conflict-title" }, "This score was changed elsewhere"),
        el("p", {}, `You edited version ${mine}; meanwhile version ${theirs} was saved, in another window or through the API.`),
        el("div", { className: "row tight" }, answer("theirs", `Load version ${theirs}`), answer("mine", "Save mine over it", "primary"), answer("", "Decide later", "quiet")),
        el("p", { className: "hint" }, "Nothing is lost on the server either way: earlier versions are kept.")));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
