// One clip of the list: its name, what is going on with it, a player, and what one may do.

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function size(bytes) {
  for (const unit of ["bytes", "KiB", "MiB"]) {
    if (bytes < 1024) return `${unit === "bytes" ? bytes : bytes.toFixed(bytes < 10 ? 1 : 0)} ${unit}`;
    bytes /= 1024;
  }
  return `${bytes.toFixed(1)} GiB`;
}

/**
 * States: chosen, sending, sent, refused (for good), failed (trying again may help). One that is chosen may be doubtful:
 * the server looked at it and would refuse it, as it was asked.
 */
export class Row {
  constructor({ id, number, file, link = null }, { remove, retry }) {
    Object.assign(this, { id, number, file, link, state: "chosen", page: null, asked: false, doubtful: false, stopping: null, asking: null });
    this.element = element("li");
    this.what = element("span", "what", size(file.size));
    this.buttons = element("span", "doing");
    this.play = this.#button("Preview", () => this.#preview());
    this.play.setAttribute("aria-expanded", "false");
    this.again = this.#button("Try again", () => retry(this));
    this.away = this.#button("Remove", () => remove(this));
    this.again.hidden = true;
    this.element.append(element("span", "name", file.name), this.what, this.buttons);
  }

  #button(words, act) {
    const button = element("button", "quiet", words);
    button.type = "button";
    button.setAttribute("aria-label", `${words} ${this.file.name}`);
    button.addEventListener("click", act);
    this.buttons.append(button);
    return button;
  }

  #preview() {
    if (this.player) return this.closePlayer();
    const box = element("div", "preview");
    const video = element("video");
    const address = URL.createObjectURL(this.file);
    Object.assign(video, { controls: true, playsInline: true, preload: "metadata", src: address });
    video.setAttribute("aria-label", this.file.name);
    video.addEventListener("error", () => {
      box.replaceChildren(element("p", "hint", "This browser cannot play it; the server may well be able to read it."));
    });
    box.append(video);
    this.player = { box, address };
    this.element.append(box);
    this.play.textContent = "Close";
    this.play.setAttribute("aria-expanded", "true");
  }

  closePlayer() {
    if (!this.player) return;
    URL.revokeObjectURL(this.player.address);
    this.player.box.remove();
    this.player = null;
    this.play.textContent = "Preview";
    this.play.setAttribute("aria-expanded", "false");
  }

  /** Shows how far the upload is, 0..1. */
  progress(fraction) {
    if (!this.bar) {
      this.bar = element("progress");
      this.bar.max = 1;
      this.bar.setAttribute("aria-label", `Upload of ${this.file.name}`);
      this.element.append(this.bar);
    }
    this.bar.value = fraction;
    this.what.textContent = fraction < 1 ? `${Math.floor(100 * fraction)} %` : "Looking at it";
  }

  #over(state, words) {
    this.state = state;
    this.bar?.remove();
    this.bar = null;
    this.what.textContent = words;
    this.why?.remove();
    this.why = null;
    this.again.hidden = state !== "failed";
    this.away.hidden = state === "sent";
  }

  sent(page) {
    this.#over("sent", "Sent");
    this.page = page;
  }

  /** @param {boolean} forGood whether the same file will be refused again. */
  refuse(why, forGood) {
    this.#over(forGood ? "refused" : "failed", forGood ? "Refused" : "Not sent");
    this.why = element("p", "why", why);
    this.voice?.remove(); // which voice would have sounded it, or that it would be refused
    this.voice = null;
    this.element.append(this.why);
  }

  begin() {
    this.#over("sending", "0 %");
    this.stopping = new AbortController();
    this.asking?.abort();
    this.closePlayer();
    this.progress(0);
  }

  rest() {
    this.#over("chosen", size(this.file.size));
  }

  /** What is known of the voice, as lines: the first says it, the others tell of ranges. */
  tellVoice([first, ...others]) {
    this.voice?.remove();
    this.voice = element("div", "route");
    this.voice.append(element("span", "", first));
    if (others.length) {
      const parts = element("ul");
      parts.append(...others.map((text) => element("li", "", text)));
      this.voice.append(parts);
    }
    this.element.append(this.voice);
  }
}
