// Page host: draws plotly figures and mounts saved anywidgets in the built page. No kernel, no network, works from disk.
(() => {
  const here = document.currentScript.src;
  const parse = (element) => JSON.parse(element.textContent);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- plotly figures: loaded once, when the first one comes near the viewport ----

  let library;
  const plotly = () =>
    (library ??= new Promise((resolve, reject) => {
      const script = make("script", { src: new URL("plotly.min.js", here), onload: () => resolve(window.Plotly) });
      script.onerror = () => reject(new Error("plotly.min.js did not load"));
      document.head.append(script);
    }));

  const narrow = matchMedia("(max-width: 520px)");

  // What depends on the reader: the ink of the theme, and the shape for a narrow screen.
  function appearance(layout) {
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--pst-color-text-base").trim();
    const phone = layout.meta?.phone ?? {};
    const shape = Object.fromEntries(Object.keys(phone).map((path) => [path, narrow.matches ? phone[path] : at(layout, path)]));
    // Setting a height turns autosize off, and a figure that no longer follows its column scrolls the page sideways.
    return { "font.color": ink || "#222", ...shape, autosize: true };
  }
  const at = (object, path) => path.split(/[.[\]]+/).filter(Boolean).reduce((value, key) => value?.[key], object) ?? null;

  // A frame says in words what it shows, as an annotation of that name; in the page the slider says it, where it can wrap.
  function takeWords(layout) {
    const annotations = layout?.annotations ?? [];
    if (layout) layout.annotations = annotations.filter((annotation) => annotation.name !== "words");
    return (annotations.find((annotation) => annotation.name === "words")?.text ?? "").replace(/<[^>]*>/g, "");
  }

  async function draw(place) {
    const Plotly = await plotly();
    const figure = parse(place.querySelector("script"));
    // The room that plotly's slider and the words have in JupyterLab goes with them.
    figure.layout.height -= figure.layout.meta?.slider_height ?? 0;
    if (takeWords(figure.layout)) {
      figure.layout.height -= figure.layout.margin.t - 8;
      figure.layout.margin.t = 8;
    }
    const words = new Map((figure.frames ?? []).map((frame) => [frame.name, takeWords(frame.layout)]));
    // Plotly changes the layout that it is given; the original says what a wide screen goes back to.
    const layout = { ...structuredClone(figure.layout), sliders: [] };
    const plot = make("div", { className: "lb-plot" });
    place.append(...(figure.layout.sliders ?? []).map((slider) => control(Plotly, plot, slider, words)), plot);
    await Plotly.newPlot(plot, figure.data, layout, { ...figure.config, responsive: true, displaylogo: false, showSendToCloud: false });
    if (figure.frames) await Plotly.addFrames(plot, figure.frames);
    const dress = () => {
      const now = appearance(figure.layout);
      // Colours that an annotation does not set follow the font; its own colours stay.
      return Plotly.relayout(plot, now).then(() => (place.style.minHeight = `${now.height ?? figure.layout.height ?? 420}px`));
    };
    await dress();
    new MutationObserver(dress).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    narrow.addEventListener("change", dress);
    place.dataset.drawn = "";
  }

  function apologise(place, error) {
    const words = `This figure could not be drawn (${error.message}). It shows: ${place.getAttribute("aria-label")}`;
    place.append(make("p", { className: "lb-kernel", textContent: words }));
    throw error;
  }

  // Plotly's own sliders answer the pointer alone; a real range input answers fingers, keys and screen readers too.
  function control(Plotly, plot, slider, words) {
    const last = slider.steps.length - 1;
    const name = (slider.currentvalue?.prefix ?? "").replace(/\s*[=:]?\s*$/, "") || "frame";
    const input = make("input", { type: "range", className: "lb-range", min: 0, max: last, value: slider.active ?? 0 });
    const output = make("output");
    const meaning = make("span", { className: "lb-words" });
    const ticks = slider.steps.map((step, index) => tick(step.label, index / last, () => choose(index)));
    const say = () => {
      const label = slider.steps[input.value].label;
      output.textContent = label;
      meaning.textContent = words.get(label) ?? "";
      input.setAttribute("aria-valuetext", `${name} = ${label}. ${meaning.textContent}`);
      ticks.forEach((mark, index) => mark.toggleAttribute("data-active", index === +input.value));
    };
    const show = () => {
      const step = slider.steps[input.value];
      say();
      return Plotly[step.method](plot, ...step.args);
    };
    const choose = (index) => {
      input.value = index;
      return show();
    };
    input.addEventListener("input", show);
    input.setAttribute("aria-label", name);
    say();
    const label = make("label", {}, `${name} = `, output);
    return make("div", { className: "lb-slider" }, make("div", { className: "lb-reading" }, label, meaning), make("div", { className: "lb-track" }, input, make("div", { className: "lb-ticks" }, ...ticks)));
  }
  function tick(label, fraction, choose) {
    const mark = make("button", { type: "button", className: "lb-tick", textContent: label, tabIndex: -1, onclick: choose });
    // The keyboard and the screen reader have the range input for the same purpose.
    mark.setAttribute("aria-hidden", "true");
    mark.style.setProperty("--at", fraction);
    return mark;
  }

  function figures() {
    const near = new IntersectionObserver(
      (entries) =>
        entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
          near.unobserve(entry.target);
          draw(entry.target).catch((error) => apologise(entry.target, error));
        }),
      { rootMargin: "600px" },
    );
    document.querySelectorAll(".lb-plotly").forEach((place) => near.observe(place));
  }

  // ---- anywidgets: the module and the state that papermill saved, given the part of the host that a page can keep ----

  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const bytes = (base64) => new DataView(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);

  function model({ state, buffers = [] }) {
    for (const { path, data } of buffers) {
      const owner = path.slice(0, -1).reduce((object, key) => object[key], state);
      owner[path.at(-1)] = bytes(data);
    }
    const bus = new EventTarget();
    const listeners = new Map();
    return {
      get: (name) => state[name],
      set: (name, value) => {
        state[name] = value;
        bus.dispatchEvent(new Event(`change:${name}`));
        bus.dispatchEvent(new Event("change"));
      },
      on: (event, listener) => {
        const wrapped = () => listener();
        listeners.set(listener, wrapped);
        bus.addEventListener(event, wrapped);
      },
      off: (event, listener) => bus.removeEventListener(event, listeners.get(listener)),
      save_changes() {},
      send() {},
    };
  }

  async function widgets() {
    const saved = document.querySelector(STATE);
    if (!saved) return;
    const states = parse(saved).state;
    const modules = new Map();
    const load = (source) => {
      // A blob may be imported from a page on disk; a file may not.
      if (!modules.has(source)) modules.set(source, import(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))));
      return modules.get(source);
    };
    for (const view of document.querySelectorAll(VIEW)) {
      const widget = states[parse(view).model_id];
      if (widget?.model_module !== "anywidget") {
        view.after(make("p", { className: "lb-kernel", textContent: "This control needs a running kernel: open the chapter in JupyterLab." }));
        continue;
      }
      const element = make("div", { className: "lb-widget" });
      view.after(element);
      const shared = model(widget);
      const { default: exported } = await load(widget.state._esm);
      const definition = typeof exported === "function" ? await exported() : exported;
      await definition.initialize?.({ model: shared });
      await definition.render({ model: shared, el: element });
    }
  }

  addEventListener("DOMContentLoaded", () => {
    figures();
    widgets();
  });
})();
