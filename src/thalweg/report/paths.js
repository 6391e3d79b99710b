"use strict";
// Paths on a contour: decodes them, draws them up to a step, and moves the step. Names reach the page as text only.
(() => {
  const root = document.querySelector("section.paths");
  const data = JSON.parse(root.querySelector(".paths-data").textContent);
  const one = (what) => root.querySelector(what);
  const SVG = "http://www.w3.org/2000/svg";
  const DASHES = ["", "8 4", "10 3 2 3", "2.5 3", "14 3", "10 3 2 3 2 3", "5 2"];
  // Heads of paths in units of a pixel: colour is never the only sign.
  const MARKS = [
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0-5 0Z", "M-4.6-4.6H4.6V4.6H-4.6Z", "M0-6L5.6 4.4H-5.6Z", "M0-6.4L5.4 0L0 6.4L-5.4 0Z",
    "M0 6L5.6-4.4H-5.6Z", "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z", "M0-6.2L5.9-1.9L3.6 5H-3.6L-5.9-1.9Z",
  ];
  const DOT = "M-2.6 0A2.6 2.6 0 1 0 2.6 0A2.6 2.6 0 1 0-2.6 0Z", CROSS = "M-5-5L5 5M-5 5L5-5";
  const COLOURS = MARKS.length, LASTS = 12; // seconds for all steps at speed 1
  const SLOW = 1.6; // the first steps are the longest: they are given more of the time

  // -- reading

  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const digit = new Map([...DIGITS].map((sign, value) => [sign, value]));

  /** Running sums of the whole numbers in a text: five bits a sign, the lowest first; the first bit says minus. */
  function numbers(text, columns) {
    const sums = new Array(columns).fill(0), found = [];
    let value = 0, scale = 1;
    for (const sign of text) {
      const bits = digit.get(sign);
      value += (bits & 31) * scale;
      scale *= 32;
      if (bits & 32) continue;
      const column = found.length % columns;
      sums[column] += value % 2 ? -(value - 1) / 2 : value / 2;
      found.push(sums[column]);
      value = 0;
      scale = 1;
    }
    return found;
  }

  const { width, height, unit, low, high, minimum, above, steps, stride } = data;
  const frames = Math.ceil(steps / stride), update = (frame) => Math.min(frame * stride, steps);
  const position = (k, q) => low[k] + (k ? height - q / unit : q / unit) / (k ? height : width) * (high[k] - low[k]);

  /** Decode a path when it is first drawn. */
  function decode(path) {
    if (path.points) return path;
    const flat = numbers(path.p, 2);
    path.points = [];
    for (let k = 0; k < flat.length; k += 2) path.points.push([flat[k], flat[k + 1]]);
    path.values = numbers(path.v, 1);
    path.text = "";
    path.ends = [];
    path.points.forEach(([x, y], k) => {
      const before = path.points[k - 1];
      if (!before || before[0] !== x || before[1] !== y) path.text += `${k ? "L" : "M"}${x / unit} ${y / unit}`;
      path.ends.push(path.text.length);
    });
    return path;
  }
  // A path that stands still at its end is written without that.
  const at = (list, frame, path) => list[Math.min(frame, path.n, list.length - 1)];
  function excess(path, frame) {
    const q = at(path.values, frame, path);
    return q <= data.floor ? 0 : above * 10 ** (q / data.digits);
  }
  function written(number, digits = 3) {
    if (number === 0) return "0";
    const size = Math.abs(number);
    const text = size >= 1e-3 && size < 1e6 ? String(Number(number.toPrecision(digits))) : Number(number.toPrecision(digits)).toExponential();
    return text.replace("e+", "e").replace(/-/g, "\u2212");
  }

  // -- drawing

  const lines = one(".paths-lines"), plot = one(".paths-frame");
  const rows = [...root.querySelectorAll(".paths-rules li[data-rule]")];
  const make = (name, attributes, parent) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, text] of Object.entries(attributes)) node.setAttribute(key, text);
    parent.append(node);
    return node;
  };
  const rules = data.rules.map((rule, place) => {
    const row = rows[place];
    return {
      ...rule, place, row, chosen: rule.best, colour: -1,
      box: row.querySelector("input"), select: row.querySelector("select"), output: row.querySelector(".value"),
      swatch: row.querySelector("svg"), group: null,
    };
  });
  for (const rule of [...rules].reverse()) { // the best on top
    const group = rule.group = make("g", { "data-rule": rule.place }, lines);
    rule.halo = make("path", { class: "halo" }, group);
    rule.line = make("path", { class: "line" }, group);
    rule.head = make("path", { class: "head" }, group);
  }
  const path = (rule) => decode(rule.rates[rule.chosen]);
  const shown = () => rules.filter((rule) => rule.box.checked);
  let frame = frames, scale = 1;

  /** Give colours to the rules that are shown, as long as there are any; who has one keeps it. */
  function colour() {
    for (const rule of rules) if (!rule.box.checked) rule.colour = -1;
    const taken = new Set(rules.map((rule) => rule.colour));
    const waiting = shown().filter((rule) => rule.colour < 0).sort((a, b) => b.few - a.few || a.place - b.place);
    // Plain gradient descent has the last one to itself, as in the other charts.
    const plain = (rule) => rule.name === "gradient_descent", last = MARKS.length - 1, withPlain = rules.some(plain);
    for (const rule of waiting) {
      const free = plain(rule) ? last : MARKS.findIndex((_, k) => !taken.has(k) && !(withPlain && k === last));
      if (free < 0) continue;
      rule.colour = free;
      taken.add(free);
    }
    for (const rule of rules) {
      const on = rule.box.checked, grey = rule.colour < 0;
      const ink = grey ? "" : `var(--c${rule.colour})`;
      rule.row.classList.toggle("off", !on);
      rule.group.setAttribute("display", on ? "inline" : "none");
      rule.group.classList.toggle("grey", grey);
      rule.halo.setAttribute("display", grey ? "none" : "inline");
      rule.line.style.stroke = ink;
      rule.line.style.strokeDasharray = grey ? "" : DASHES[rule.colour];
      rule.head.style.fill = grey ? "var(--grey)" : ink;
      rule.swatch.replaceChildren();
      const sample = make("path", { d: "M1 7H35", fill: "none", "stroke-width": grey ? 1.2 : 2.2 }, rule.swatch);
      sample.style.stroke = grey ? "var(--grey)" : ink;
      sample.style.strokeDasharray = grey ? "" : DASHES[rule.colour];
      const mark = make("path", { d: grey ? DOT : MARKS[rule.colour], transform: "translate(18 7) scale(.9)" }, rule.swatch);
      mark.style.fill = grey ? "var(--grey)" : ink;
    }
    for (const rule of rules) if (rule.colour < 0) lines.prepend(rule.group);
    for (const rule of [...rules].reverse()) if (rule.colour >= 0) lines.append(rule.group);
  }

  function draw() {
    for (const rule of rules) {
      const now = path(rule), last = Math.min(frame, now.n);
      const lost = now.lost !== null && update(frame) >= now.lost;
      const said = lost ? `lost at ${now.lost}` : written(excess(now, frame));
      if (rule.output.textContent !== said) rule.output.textContent = said;
      if (!rule.box.checked) continue;
      const text = now.text.slice(0, at(now.ends, last, now));
      rule.halo.setAttribute("d", text);
      rule.line.setAttribute("d", text);
      const [x, y] = at(now.points, last, now);
      rule.group.classList.toggle("lost", lost);
      rule.head.setAttribute("d", lost ? CROSS : rule.colour < 0 ? DOT : MARKS[rule.colour]);
      rule.head.style.stroke = lost ? (rule.colour < 0 ? "var(--grey)" : `var(--c${rule.colour})`) : "";
      rule.head.setAttribute("transform", `translate(${x / unit} ${y / unit}) scale(${scale})`);
    }
    scrubber.value = frame;
    const where = `step ${update(frame)} of ${steps}`;
    scrubber.setAttribute("aria-valuetext", where);
    counter.textContent = where;
    root.dataset.step = update(frame);
  }

  /** Keep marks as large as they are meant, whatever the size of the picture. */
  function resize() {
    const wide = plot.clientWidth;
    if (!wide) return;
    scale = width / wide * (wide < 420 ? 0.8 : 1);
    for (const mark of root.querySelectorAll(".paths-frame .paths-marks g")) {
      mark.setAttribute("transform", `translate(${mark.dataset.x} ${mark.dataset.y}) scale(${scale})`);
    }
    draw();
  }

  // -- the step

  const scrubber = one(".paths-scrubber"), counter = one(".paths-counter"), button = one(".paths-play");
  const speed = one(".paths-speed");
  let playing = false, then = 0, share = 1; // of the time
  function stop() {
    playing = false;
    root.dataset.playing = "false";
    button.textContent = "▶ Play";
  }
  function tick(now) {
    if (!playing) return;
    share = Math.min(1, share + Math.max(0, now - then) / 1000 / LASTS * Number(speed.value));
    then = now;
    const reached = Math.max(frame, Math.floor(frames * share ** SLOW));
    if (reached !== frame) {
      frame = reached;
      draw();
    }
    if (frame >= frames) stop();
    else requestAnimationFrame(tick);
  }
  function play() {
    if (frame >= frames) frame = 0;
    share = (frame / frames) ** (1 / SLOW);
    playing = true;
    root.dataset.playing = "true";
    button.textContent = "❚❚ Pause";
    then = performance.now();
    hide();
    draw();
    requestAnimationFrame(tick);
  }
  button.addEventListener("click", () => (playing ? stop() : play()));
  scrubber.addEventListener("input", () => {
    stop();
    frame = Number(scrubber.value);
    hide();
    draw();
  });

  // -- rules and rates

  const everyone = one(".paths-rates");
  for (const rule of rules) {
    rule.box.addEventListener("change", () => {
      colour();
      draw();
    });
    if (rule.select) {
      rule.select.addEventListener("change", () => {
        rule.chosen = Number(rule.select.value);
        everyone.value = "";
        draw();
      });
    }
    const stress = (on) => {
      for (const other of rules) {
        other.group.classList.toggle("weak", on && other !== rule);
        other.group.classList.toggle("strong", on && other === rule);
      }
    };
    rule.row.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && rule.box.checked && stress(true));
    rule.row.addEventListener("pointerleave", () => stress(false));
    rule.row.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && rule.box.checked && stress(true));
    rule.row.addEventListener("focusout", () => stress(false));
  }
  everyone.addEventListener("change", () => {
    if (everyone.value === "") return;
    for (const rule of rules) {
      rule.chosen = Math.max(0, Math.min(rule.rates.length - 1, rule.best + Number(everyone.value)));
      if (rule.select) rule.select.value = String(rule.chosen);
    }
    draw();
  });
  for (const control of root.querySelectorAll("[data-paths]")) {
    control.addEventListener("click", () => {
      for (const rule of rules) rule.box.checked = { few: rule.few, all: true, none: false }[control.dataset.paths];
      if (control.dataset.paths === "few") for (const rule of rules) rule.colour = -1;
      colour();
      draw();
    });
  }

  // -- what is under the pointer

  const tip = one(".paths-tip"), ring = one(".paths-ring");
  function hide() {
    tip.hidden = ring.hidden = true;
  }
  function look(event) {
    const box = plot.getBoundingClientRect();
    const wide = plot.clientWidth, tall = plot.clientHeight;
    const x = event.clientX - box.left - plot.clientLeft, y = event.clientY - box.top - plot.clientTop;
    let nearest = event.pointerType === "mouse" ? 18 : 30, found = null;
    for (const rule of shown()) {
      const now = path(rule), last = Math.min(frame, now.n, now.points.length - 1);
      for (let k = 0; k <= last; k++) {
        const [px, py] = now.points[k];
        const far = Math.hypot(px / unit / width * wide - x, py / unit / height * tall - y) + (rule.colour < 0 ? 2 : 0);
        if (far < nearest) [nearest, found] = [far, { rule, now, k }];
      }
    }
    if (!found) return hide();
    const { rule, now, k } = found, [px, py] = now.points[k];
    const heading = document.createElement("b");
    heading.textContent = now.rate ? `${rule.name} at ${now.rate}` : rule.name;
    const still = k === now.points.length - 1 && now.n > k && frame > k;
    const where = `(${written(position(0, px), 4)}, ${written(position(1, py), 4)})`;
    const said = [`step ${update(k)}${still ? ` to ${update(Math.min(frame, now.n))}` : ""}`, where, `value ${written(minimum + excess(now, k), 4)}`];
    tip.replaceChildren(heading, ...said.flatMap((line, n) => (n ? [document.createElement("br"), line] : [line])));
    tip.hidden = ring.hidden = false;
    const left = px / unit / width * wide, top = py / unit / height * tall;
    ring.style.left = `${left}px`;
    ring.style.top = `${top}px`;
    tip.style.left = `${Math.max(2, Math.min(left + 14, wide - tip.offsetWidth - 2))}px`;
    tip.style.top = `${top > tip.offsetHeight + 16 ? top - tip.offsetHeight - 12 : top + 14}px`;
  }
  plot.addEventListener("pointermove", look);
  plot.addEventListener("pointerdown", look);
  plot.addEventListener("pointerleave", hide);

  // -- the beginning: all there is, standing still; paper gets the same

  let before = null;
  window.addEventListener("beforeprint", () => {
    before = frame;
    stop();
    hide();
    frame = frames;
    draw();
  });
  window.addEventListener("afterprint", () => {
    frame = before ?? frames;
    draw();
  });
  new ResizeObserver(resize).observe(plot);
  colour();
  stop();
  resize();
})();
