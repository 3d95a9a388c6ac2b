// Pointing at what sounds: a box drawn on the player with a pointer or by keys, kept through the API.
// Without this module the same form sends numbers.

const EDGES = ["left", "top", "right", "bottom"];
const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.02;
const NEAR_S = 0.5; // boxes of moments so near are shown while one draws

const clamp = (value) => Math.min(1, Math.max(0, value));
const percent = (fraction) => Math.round(1000 * fraction) / 10;

function rectangle(className) {
  const made = document.createElementNS(SVG, "rect");
  made.setAttribute("class", className);
  return made;
}

function place(rect, [left, top, right, bottom]) {
  rect.setAttribute("x", 100 * left);
  rect.setAttribute("y", 100 * top);
  rect.setAttribute("width", 100 * Math.max(0, right - left));
  rect.setAttribute("height", 100 * Math.max(0, bottom - top));
}

/** Where the picture is inside the player, which may be letterboxed. */
function pictureOf(player) {
  const width = player.clientWidth;
  const height = player.clientHeight;
  const shape = (player.videoWidth || player.width) / (player.videoHeight || player.height);
  const shown = width / height > shape ? { width: height * shape, height } : { width, height: width / shape };
  return { ...shown, x: (width - shown.width) / 2, y: (height - shown.height) / 2 };
}

function bind(root, player) {
  const form = root.querySelector("[data-box-form]");
  const list = root.querySelector("[data-box-list]");
  const status = root.querySelector("[data-box-status]");
  const button = root.querySelector("[data-draw]");
  const token = form.elements.csrf_token.value;
  const board = document.createElementNS(SVG, "svg");
  const mine = rectangle("mine");
  let drawing = false;
  let from = null;

  board.setAttribute("class", "board");
  board.setAttribute("viewBox", "0 0 100 100");
  board.setAttribute("preserveAspectRatio", "none");
  board.setAttribute("tabindex", "0");
  board.setAttribute("role", "application");
  board.setAttribute("aria-label", "Draw a box: arrows move it, with Shift they change its size, Enter keeps it, Escape ends");
  player.parentElement.append(board);
  board.setAttribute("hidden", "");
  for (const part of document.querySelectorAll("[data-with]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-without]")) part.hidden = true;

  const edges = () => EDGES.map((name) => Number(form.elements[name].value) / 100);
  const filled = () => EDGES.every((name) => form.elements[name].value !== "");
  const fill = (values) => EDGES.forEach((name, number) => (form.elements[name].value = percent(clamp(values[number]))));
  const show = () => {
    board.replaceChildren();
    for (const row of list.querySelectorAll("[data-edges]")) {
      if (Math.abs(Number(row.dataset.time) - player.currentTime) > NEAR_S) continue;
      const old = rectangle("old");
      place(old, row.dataset.edges.split(" ").map(Number));
      board.append(old);
    }
    if (filled()) {
      place(mine, edges());
      board.append(mine);
    }
  };
  const lay = () => {
    const picture = pictureOf(player);
    board.style.left = `${player.offsetLeft + picture.x}px`;
    board.style.top = `${player.offsetTop + picture.y}px`;
    board.style.width = `${picture.width}px`;
    board.style.height = `${picture.height}px`;
  };
  const begin = () => {
    drawing = true;
    player.pause();
    player.controls = false;
    form.elements.time_s.value = Math.round(1000 * player.currentTime) / 1000;
    board.removeAttribute("hidden");
    button.textContent = "Stop drawing";
    lay();
    if (!filled()) fill([0.35, 0.35, 0.65, 0.65]);
    show();
    board.focus();
  };
  const end = () => {
    drawing = false;
    player.controls = true;
    board.setAttribute("hidden", "");
    button.textContent = "Draw on the picture";
  };
  const at = (event) => {
    const frame = board.getBoundingClientRect();
    return [clamp((event.clientX - frame.left) / frame.width), clamp((event.clientY - frame.top) / frame.height)];
  };

  button.addEventListener("click", () => (drawing ? end() : begin()));
  window.addEventListener("resize", () => drawing && lay());
  board.addEventListener("pointerdown", (event) => {
    from = at(event);
    board.setPointerCapture(event.pointerId);
    event.preventDefault();
    board.focus();
  });
  board.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(event);
    fill([Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])]);
    show();
  });
  for (const kind of ["pointerup", "pointercancel"]) board.addEventListener(kind, () => (from = null));
  board.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") {
      end();
      button.focus();
    } else if (event.key === "Enter") form.requestSubmit();
    else if (move) {
      const [dx, dy] = move.map((step) => STEP * step);
      const [left, top, right, bottom] = edges();
      if (event.shiftKey) fill([left, top, Math.max(left + STEP, right + dx), Math.max(top + STEP, bottom + dy)]);
      else if (left + dx >= 0 && right + dx <= 1 && top + dy >= 0 && bottom + dy <= 1) fill([left + dx, top + dy, right + dx, bottom + dy]);
      show();
    } else return;
    event.preventDefault();
  });
  for (const name of EDGES) form.elements[name].addEventListener("input", show);

  const ask = (path, how) => fetch(path, { ...how, headers: { "Content-Type": "application/json", "X-CSRF-Token": token } });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const hidden = event.submitter?.name === "visible";
    const told = { time_s: Number(form.elements.time_s.value), visible: !hidden };
    if (!hidden) EDGES.forEach((name, number) => (told[name] = filled() ? edges()[number] : null));
    const answer = await ask(root.dataset.boxes, { method: "POST", body: JSON.stringify(told) }).catch(() => null);
    if (!answer?.ok) {
      status.textContent = (await answer?.json().catch(() => null))?.detail ?? "The server did not answer; try again.";
      return;
    }
    list.append(row(await answer.json()));
    status.textContent = hidden ? "Kept: nothing visible sounds." : "Kept.";
    for (const name of EDGES) form.elements[name].value = "";
    if (drawing) end();
  });

  const row = (box) => {
    const made = document.createElement("li");
    const what = box.visible
      ? `${percent(box.left)}–${percent(box.right)} % across, ${percent(box.top)}–${percent(box.bottom)} % down`
      : "nothing visible sounds";
    for (const [tag, className, text] of [["span", "num", `${box.time_s.toFixed(3)} s`], ["span", "", what], ["small", "", box.annotator]]) {
      const part = document.createElement(tag);
      part.className = className;
      part.textContent = text;
      made.append(part);
    }
    const forget = document.createElement("button");
    forget.type = "button";
    forget.className = "quiet";
    forget.textContent = "Forget";
    made.append(forget);
    made.dataset.box = box.id;
    if (box.visible) {
      made.dataset.time = box.time_s;
      made.dataset.edges = EDGES.map((name) => box[name]).join(" ");
    }
    return made;
  };
  list.addEventListener("click", async (event) => {
    const gone = event.target.closest("[data-box]");
    if (!gone || !event.target.closest("button")) return;
    event.preventDefault();
    const answer = await ask(`${root.dataset.boxes}/${gone.dataset.box}`, { method: "DELETE" }).catch(() => null);
    if (answer?.ok || answer?.status === 404) gone.remove();
    status.textContent = answer ? "Forgotten." : "The server did not answer; try again.";
    if (drawing) show();
  });
}

const player = document.querySelector("[data-player]");
const root = document.querySelector("[data-boxes]");
if (player && root) bind(root, player);
