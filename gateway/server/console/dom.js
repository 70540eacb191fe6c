// Small helpers. Text only ever becomes text nodes: nothing that a model says is markup.

/** Makes an element: el("p", {class: "x"}, "text", child). */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Sets text only where it changed, so that a selection stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Pretty JSON, or the text itself. */
export function pretty(value) {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}

/** Copies, and says so on the button. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const area = document.body.appendChild(el("textarea", { class: "hidden" }, text));
    area.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Can't copy";
    area.remove();
  }
  setTimeout(() => (button.textContent = before), 1500);
}
