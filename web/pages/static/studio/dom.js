// Elements made by name, and what is said aloud to people who do not see the page.

/**
 * An element with properties and children. `on` holds listeners, `data` the dataset, `aria` ARIA attributes;
 * attributes that no property has (`role`, `for`, ...) are set as attributes.
 */
export function el(name, { on = {}, data = {}, aria = {}, ...properties } = {}, ...children) {
  const made = document.createElement(name);
  for (const [kind, listener] of Object.entries(on)) made.addEventListener(kind, listener);
  for (const [key, value] of Object.entries(aria)) if (value != null) made.setAttribute(`aria-${key}`, value);
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(properties)) {
    if (value == null) continue;
    if (key in made && key !== "list" && key !== "role") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Says something in the page's live region, also when it is what was said last. */
export function announce(text) {
  const region = document.querySelector("[data-announce]");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
}

/** Calls at most once a frame of the screen, with the newest arguments. */
export function oncePerFrame(call) {
  let waiting = null;
  return (...given) => {
    if (waiting === null) requestAnimationFrame(() => {
      const newest = waiting;
      waiting = null;
      call(...newest);
    });
    waiting = given;
  };
}

/** A colour of the page's style sheet, as the browser writes it now. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
