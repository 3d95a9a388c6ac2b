// Says under the field how a prompt is understood, while one types. Without this module the server says it afterwards.

const prompt = document.querySelector("#f-prompt");
const without = document.querySelector("#f-without");

if (prompt) {
  const told = document.createElement("p");
  told.className = "hint told";
  told.id = "f-prompt-told";
  told.setAttribute("role", "status");
  prompt.setAttribute("aria-describedby", told.id);
  const take = document.createElement("button");
  take.type = "button";
  take.className = "quiet";
  take.textContent = "Edit it as understood";
  take.hidden = true;
  prompt.closest(".field").append(told, take);
  let waiting = 0;
  let asking = null;
  let understood = "";

  async function ask() {
    asking?.abort();
    take.hidden = true;
    prompt.removeAttribute("aria-invalid");
    if (!prompt.value.trim()) {
      told.textContent = "";
      return;
    }
    asking = new AbortController();
    const query = new URLSearchParams({ prompt: prompt.value, without: without?.value ?? "" });
    try {
      const answer = await fetch(`/v1/sounds/parse?${query}`, { signal: asking.signal });
      const body = await answer.json();
      if (answer.ok) {
        understood = body.told;
        take.hidden = understood === prompt.value;
        const left = [...body.notes, ...body.ignored.map((words) => `ignored: ${words}`)];
        told.textContent = [`Understood: ${understood}`, ...left].join(" · ");
      } else {
        prompt.setAttribute("aria-invalid", "true");
        told.textContent = body.detail ?? "";
      }
    } catch (error) {
      if (error.name !== "AbortError") told.textContent = "";
    }
  }

  take.addEventListener("click", () => {
    prompt.value = understood;
    prompt.focus();
    ask();
  });
  for (const field of [prompt, without]) {
    field?.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(ask, 300);
    });
  }
  ask();
}
