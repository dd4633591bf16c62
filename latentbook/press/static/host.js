// Page host: draws plotly figures, mounts saved anywidgets, closes the theme's drawers. No kernel, no network, works from disk.
(() => {
  const here = document.currentScript.src;
  const parse = (element) => JSON.parse(element.textContent);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const note = (words) => make("p", { className: "lb-kernel", textContent: words });

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

  // In JupyterLab plotly's slider takes room below a figure, and the words above it; here both stand outside.
  function trim(layout, words) {
    let spare = layout.meta?.slider_height ?? 0;
    if (words) {
      spare += layout.margin.t - 8;
      layout.margin.t = 8;
    }
    if (spare) layout.height -= spare;
  }

  // A figure names what stands for its colours on paper and on near black; JupyterLab shows it as it is.
  function themed(source) {
    const side = document.documentElement.dataset.theme === "dark" ? 1 : 0;
    const colours = Object.entries(JSON.parse(source).layout.meta?.colours ?? {});
    return JSON.parse(colours.reduce((text, [colour, pair]) => text.replaceAll(`"${colour}"`, `"${pair[side]}"`), source));
  }

  // The figure in today's colours, and by frame the words that it shows in the page beside its slider.
  function prepare(source) {
    const figure = themed(source);
    trim(figure.layout, takeWords(figure.layout));
    return { figure, words: new Map((figure.frames ?? []).map((frame) => [frame.name, takeWords(frame.layout)])) };
  }

  // The parts of a figure that are in space. Plotly itself would send its reader elsewhere where they cannot be drawn.
  function scenesOf(layout) {
    const scenes = Object.keys(layout).filter((key) => /^scene\d*$/.test(key));
    if (scenes.length && !make("canvas").getContext("webgl")) throw new Error("it needs WebGL, which this browser does not offer");
    return scenes;
  }

  async function draw(place) {
    const source = place.querySelector("script").textContent;
    const { figure: { layout }, words } = prepare(source);
    const scenes = scenesOf(layout);
    const Plotly = await plotly();
    const plot = make("div", { className: "lb-plot" });
    const controls = (layout.sliders ?? []).map((slider) => control(Plotly, plot, slider, words));
    if (scenes.length) controls.push(turner(Plotly, plot, scenes));
    place.append(...controls.map(({ element }) => element), plot);
    const dress = () => {
      const now = appearance(layout);
      // Colours that an annotation does not set follow the font; its own colours stay.
      return Plotly.relayout(plot, now).then(() => (place.style.minHeight = `${now.height ?? layout.height ?? 420}px`));
    };
    const paint = async () => {
      const { figure } = prepare(source);
      const config = { ...figure.config, responsive: true, displayModeBar: false, showSendToCloud: false };
      // Plotly changes the layout that it is given; the first one says what a wide screen goes back to.
      await Plotly.newPlot(plot, figure.data, { ...figure.layout, sliders: [] }, config);
      if (figure.frames) await Plotly.addFrames(plot, figure.frames);
      await dress();
    };
    let painted = paint();
    await painted;
    // Until now there was nothing to control.
    controls.forEach(({ input }) => (input.disabled = false));
    // One after the other: a figure that is painted twice at once would get its frames twice.
    const repaint = () => (painted = painted.then(paint).then(() => controls.forEach(({ show }) => show())));
    new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    narrow.addEventListener("change", dress);
    place.dataset.drawn = "";
  }

  function apologise(place, error) {
    const words = `This figure could not be drawn (${error.message}). It shows: ${place.getAttribute("aria-label")}`;
    // No empty place where a figure would have been.
    place.style.minHeight = "";
    place.append(note(words));
    throw error;
  }

  // Plotly's own sliders answer the pointer alone; a real range input answers fingers, keys and screen readers too.
  function control(Plotly, plot, slider, words) {
    const last = slider.steps.length - 1;
    const name = (slider.currentvalue?.prefix ?? "").replace(/\s*[=:]?\s*$/, "") || "frame";
    const input = range(name, { min: 0, max: last, value: slider.active ?? 0 }, () => show());
    const output = make("output");
    const meaning = make("span", { className: "lb-words" });
    const jump = (index) => {
      choose(index);
      // The tick is hidden from screen readers, and must not keep the focus.
      input.focus();
    };
    const ticks = slider.steps.map((step, index) => tick(step.label, () => jump(index)));
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
      // Plotly rejects a frame that a later one has overtaken.
      return Plotly[step.method](plot, ...step.args).catch(() => {});
    };
    const choose = (index) => {
      if (input.disabled) return;
      input.value = index;
      show();
    };
    say();
    const label = make("label", {}, `${name} = `, output);
    const element = make("div", { className: "lb-slider" }, make("div", {}, label, meaning), make("div", {}, input, make("div", { className: "lb-ticks" }, ...ticks)));
    return { element, input, show };
  }
  function range(name, properties, show) {
    const input = make("input", { type: "range", className: "lb-range", disabled: true, ...properties });
    input.setAttribute("aria-label", name);
    input.addEventListener("input", show);
    // A finger that lands here to scroll has moved the thumb before the browser takes the touch over: the thumb goes back.
    let before = input.value;
    input.addEventListener("pointerdown", () => (before = input.value));
    input.addEventListener("pointercancel", () => {
      if (input.disabled) return;
      input.value = before;
      show();
    });
    return input;
  }

  // What is in space turns under the pointer. Keys have a range input for it, and so have fingers: on the figure they scroll.
  function turner(Plotly, plot, scenes) {
    const input = range("turn", { min: -180, max: 180, step: 3, value: 0 }, () => show());
    // Plotly would keep the wheel from the page although nothing zooms.
    plot.addEventListener("wheel", (event) => event.stopPropagation(), { capture: true, passive: true });
    const output = make("output");
    const say = () => input.setAttribute("aria-valuetext", (output.textContent = `${input.value}°`.replace("-", "−")));
    const show = () => {
      say();
      // From where the pointer may have left it; a figure that is painted anew has not turned yet.
      const meta = (plot.layout.meta ??= {});
      const step = ((input.value - (meta.turned ?? 0)) * Math.PI) / 180;
      meta.turned = +input.value;
      const eye = (scene) => plot.layout[scene].camera?.eye ?? { x: 1.25, y: 1.25, z: 1.25 };
      return Plotly.relayout(plot, Object.fromEntries(scenes.map((scene) => [`${scene}.camera.eye`, turned(eye(scene), step)])));
    };
    say();
    const label = make("label", {}, "turn = ", output);
    return { element: make("div", { className: "lb-slider" }, make("div", {}, label), make("div", {}, input)), input, show };
  }

  const turned = ({ x, y, z }, angle) => ({ x: x * Math.cos(angle) - y * Math.sin(angle), y: x * Math.sin(angle) + y * Math.cos(angle), z });

  function tick(label, choose) {
    const mark = make("button", { type: "button", className: "lb-tick", textContent: label, tabIndex: -1, onclick: choose });
    // The keyboard and the screen reader have the range input for the same purpose.
    mark.setAttribute("aria-hidden", "true");
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
    const wrapped = new Map();
    return {
      get: (name) => state[name],
      set: (name, value) => {
        state[name] = value;
        bus.dispatchEvent(new Event(`change:${name}`));
        bus.dispatchEvent(new Event("change"));
      },
      on(event, listener) {
        const call = () => listener();
        wrapped.set(event, (wrapped.get(event) ?? new Map()).set(listener, call));
        bus.addEventListener(event, call);
      },
      // Without a listener, all of the event's go.
      off(event, listener) {
        const calls = wrapped.get(event) ?? new Map();
        for (const [known, call] of calls) if (!listener || known === listener) bus.removeEventListener(event, call);
        listener ? calls.delete(listener) : calls.clear();
      },
      save_changes() {},
      send() {},
    };
  }

  async function widgets() {
    const saved = document.querySelector(STATE);
    if (!saved) return;
    const states = parse(saved).state;
    const modules = new Map();
    const models = new Map();
    const once = (known, key, value) => known.get(key) ?? known.set(key, value()).get(key);
    // A blob may be imported from a page on disk; a file may not.
    const load = (source) => once(modules, source, () => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))));
    for (const view of document.querySelectorAll(VIEW)) {
      const id = parse(view).model_id;
      const widget = states[id];
      if (widget?.model_module !== "anywidget") {
        view.after(note("This control needs a running kernel: open the chapter in JupyterLab."));
        continue;
      }
      const element = make("div", { className: "lb-widget" });
      view.after(element);
      try {
        const { default: exported } = await load(widget.state._esm);
        const definition = typeof exported === "function" ? await exported() : exported;
        // Two views of one widget share its state, which is initialised once.
        const shared = await once(models, id, async () => {
          const fresh = model(widget);
          await definition.initialize?.({ model: fresh });
          return fresh;
        });
        await definition.render({ model: shared, el: element });
      } catch (error) {
        element.replaceChildren(note(`This widget could not be shown (${error.message}).`));
        console.error(error);
      }
    }
  }

  // ---- drawers: the theme leaves them open over the page that a link in them has just moved ----

  function drawers() {
    for (const drawer of document.querySelectorAll("#pst-primary-sidebar-modal, #pst-secondary-sidebar-modal"))
      drawer.addEventListener("click", ({ target }) => target.closest("a[href]") && drawer.close());
  }

  addEventListener("DOMContentLoaded", () => {
    drawers();
    figures();
    widgets();
  });
})();
