// Where files come from: chosen, dropped with the folders they lie in, or pasted.

const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|ts|m2ts|mts|mxf|dv|wmv|flv|3gp|ogv|gif|webp|apng|png)$/i;

/** Whether a file of a folder looks like a clip; one that somebody chose by hand is taken at its word. */
const isClip = (file) => file.type.startsWith("video/") || file.type === "image/gif" || VIDEO.test(file.name);

async function below(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return (await Promise.all(found.map(below))).flat();
}

/** Of the files of a folder those that are clips, and how many are not. */
export function clipsOf(files) {
  const clips = files.filter((file) => isClip(file) && !file.name.startsWith("."));
  return { clips, others: files.length - clips.length };
}

/** What was dropped or pasted: files as they are, and the clips of folders. */
export async function gathered(transfer) {
  const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()); // before the first wait: then it is gone
  if (!entries.some((entry) => entry?.isDirectory)) return { clips: [...transfer.files], others: 0 };
  const clips = [];
  let others = 0;
  for (const entry of entries.filter(Boolean)) {
    const files = await below(entry).catch(() => []);
    const found = entry.isDirectory ? clipsOf(files) : { clips: files, others: 0 };
    clips.push(...found.clips);
    others += found.others;
  }
  return { clips, others };
}

/** A file dropped anywhere on the page reaches `take`, and never opens in place of the page. */
export function catchDrops(zone, take) {
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragenter", (event) => carriesFiles(event) && zone.classList.toggle("over", (depth += 1) > 0));
  window.addEventListener("dragleave", (event) => carriesFiles(event) && zone.classList.toggle("over", (depth -= 1) > 0));
  window.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("over");
    take(event.dataTransfer);
  });
}
