// Requests to the API with this page's token; a refusal is an error that carries the server's own sentence.

export class Refusal extends Error {
  /** @param {number} status of HTTP, 0 where nobody answered. */
  constructor(status, problem) {
    super(problem?.detail ?? "The server did not answer; check the connection and try again.");
    this.status = status;
    this.code = problem?.code ?? "";
    this.problem = problem ?? {};
  }
}

const token = () => document.querySelector("[name='csrf_token']")?.value ?? "";

/** JSON of an address; `body` makes it a POST unless `method` says otherwise. */
export async function ask(path, { method, body, signal, keepalive } = {}) {
  const how = { method: method ?? (body === undefined ? "GET" : "POST"), signal, keepalive, headers: { Accept: "application/json" } };
  if (how.method !== "GET") how.headers["X-CSRF-Token"] = token();
  if (body !== undefined) {
    how.headers["Content-Type"] = "application/json";
    how.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, how);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, null);
  }
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, told);
  return told;
}
