// A client of tus 1.0 for one file: pieces, each at most a few MiB; after a cut it asks how much arrived and goes on.

const PIECE_BYTES = 8 * 2 ** 20;
const PATIENCE_MS = [500, 1000, 2000, 4000, 8000, 15000, 30000];
const TUS = { "Tus-Resumable": "1.0.0" };

/** A refusal that trying again does not help. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ? `${problem.title}: ${problem.detail}.` : `The server answered ${status}.`);
    this.status = status;
  }
}

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });

/** One request with word of how much of its body has gone; fails with a TypeError where the connection is cut. */
export function send(method, url, { headers = {}, body = null, signal, progress = () => {} }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.total));
    request.addEventListener("load", () => {
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = null; // most answers of tus have no body
      }
      resolve({ status: request.status, answer, header: (name) => request.getResponseHeader(name) });
    });
    request.addEventListener("error", () => reject(new TypeError("The connection was cut.")));
    request.addEventListener("abort", () => reject(signal.reason));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

async function begin(file, token, signal) {
  const headers = { ...TUS, "X-CSRF-Token": token, "Upload-Length": String(file.size), "Upload-Metadata": `filename ${base64(file.name)}` };
  const made = await send("POST", "/v1/uploads", { headers, signal });
  if (made.status !== 201) throw new Refused(made.status, made.answer);
  return made.header("Location");
}

/** How much the server has, or null where it knows nothing of the upload any more. */
async function offsetOf(link, token, signal) {
  const told = await send("HEAD", link, { headers: { ...TUS, "X-CSRF-Token": token }, signal });
  if ([403, 404, 410].includes(told.status)) return null;
  if (told.status >= 400) throw new Refused(told.status, null);
  return Number(told.header("Upload-Offset"));
}

/**
 * Sends a file, or the rest of it.
 * @param {File} file
 * @param {{link?: string, token: string, signal: AbortSignal, progress: (sent: number) => void, begun: (link: string) => void}} how
 *   `link` of an upload that was begun before; `begun` hears where the upload is, to be kept for after a reload.
 * @returns {Promise<string>} the id of the upload
 */
export async function upload(file, { link, token, signal, progress, begun }) {
  let failures = 0;
  let offset = null;
  for (;;) {
    try {
      if (link && offset === null) offset = await offsetOf(link, token, signal);
      if (offset === null) {
        link = await begin(file, token, signal);
        offset = 0;
        begun(link);
      }
      while (offset < file.size) {
        const start = offset;
        const piece = file.slice(start, start + PIECE_BYTES);
        const headers = { ...TUS, "X-CSRF-Token": token, "Upload-Offset": String(start), "Content-Type": "application/offset+octet-stream" };
        const sent = await send("PATCH", link, { headers, body: piece, signal, progress: (loaded) => progress(start + loaded) });
        if (sent.status !== 204) throw new Refused(sent.status, sent.answer);
        offset = Number(sent.header("Upload-Offset"));
        failures = 0;
      }
      progress(file.size);
      return link.split("/").at(-1);
    } catch (error) {
      if (signal.aborted) throw error;
      const passes = error instanceof TypeError || (error instanceof Refused && [409, 410, 423, 429, 460, 500, 502, 503, 504].includes(error.status));
      if (!passes || failures >= PATIENCE_MS.length) throw error;
      if (error instanceof Refused && error.status === 410) link = null;
      offset = null;
      await pause(PATIENCE_MS[failures], signal);
      failures += 1;
    }
  }
}
