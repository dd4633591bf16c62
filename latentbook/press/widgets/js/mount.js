// Where the hosts come in, and what is said where nothing can be shown.

const NEEDED = ["ResizeObserver", "PointerEvent", "MutationObserver", "requestAnimationFrame"];

/** Why there is nothing to see, in a sentence; null if there is. @param {{get: Function}} model */
export function obstacle(model) {
  const missing = NEEDED.filter((name) => !(name in window));
  if (missing.length || !HTMLElement.prototype.attachShadow)
    return `This browser is too old for the explorer (it has no ${missing[0] ?? "shadow roots"}): a current one shows it.`;
  const { byteLength = 0 } = model.get("weights") ?? {};
  if (!model.get("content")?.members?.length || !byteLength)
    return "This explorer was saved without its data: run its cell again.";
  return null;
}

function render({ model, el }) {
  const words = obstacle(model);
  if (words) {
    el.append(make("p", { class: "lb-kernel" }, words));
    return () => {};
  }
  const host = hostIn(el, "latent-explorer");
  // What tests and curious readers hold on to.
  host.explorer = new Explorer(model, host);
  return () => host.explorer.close();
}

export default { render };
