// Signs on buttons, drawn on a grid of 24.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  back: "M15 6l-7 6 7 6zM6 6h2v12H6z",
  forth: "M9 6l7 6-7 6zM16 6h2v12h-2z",
  start: "M6 5h2v14H6zM18 5v14L9 12z",
  loop: "M7 7h9v3l5-4-5-4v3H5v6h2zm10 10H8v-3l-5 4 5 4v-3h11v-6h-2z",
  undo: "M12 6H8V2L2 8l6 6v-4h4a5 5 0 0 1 0 10H8v2h4a8 8 0 0 0 0-16z",
  redo: "M12 6h4V2l6 6-6 6v-4h-4a5 5 0 0 0 0 10h4v2h-4a8 8 0 0 1 0-16z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  minus: "M5 11h14v2H5z",
  bin: "M8 4h8l1 2h4v2H3V6h4zM5 9h14l-1 12H6z",
  hear: "M4 9v6h4l5 4V5L8 9zm12-1a5 5 0 0 1 0 8zm0-4v2a7 7 0 0 1 0 12v2a9 9 0 0 0 0-16z",
  keys: "M3 6h18v12H3zm2 2v2h2V8zm4 0v2h2V8zm4 0v2h2V8zm4 0v2h2V8zM5 11v2h2v-2zm4 0v2h2v-2zm4 0v2h2v-2zm4 0v2h2v-2zM7 14v2h10v-2z",
  spectrum: "M3 17h3v3H3zm5-5h3v8H8zm5-8h3v16h-3zm5 6h3v10h-3z",
  down: "M11 4h2v9l4-4 1.4 1.4L12 17 5.6 10.4 7 9l4 4zM5 19h14v2H5z",
};

export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  made.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}
