"use strict";
// The step ledger: a slider goes through the updates. Names reach the page as text only.
(() => {
  const data = JSON.parse(document.getElementById("ledger-data").textContent);
  const root = document.querySelector(".ledger");
  const one = (what) => root.querySelector(what);
  const scrubber = one(".ledger-scrubber"), choice = one(".ledger-coordinate"), clock = one(".ledger-time");
  const WIDTH = matchMedia("(max-width: 620px)").matches ? 70 : 190; // as the column of ledger.css
  const SVG = "http://www.w3.org/2000/svg", HEIGHT = 26, EDGE = 3, MOST = 400;
  const count = data.times.length;

  /** A number as the terminal writes it: five digits, an exponent where it is very large or small. */
  function text(value, kind) {
    if (value === null) return "-";
    if (typeof value === "boolean") return value ? data.yes : data.no;
    if (typeof value === "string") return kind === "share" && value === "nan" ? "-" : value;
    const x = kind === "share" ? 100 * value : value, size = Math.abs(x), digits = kind === "share" ? 3 : 5;
    const plain = size === 0 || (size >= 1e-4 && size < 1e5);
    const short = Number(x.toPrecision(digits));
    const written = plain ? String(short === 0 ? 0 : short) : exponent(x, digits);
    return kind === "share" ? `${written} %` : written;
  }

  function exponent(x, digits) {
    const [head, power] = x.toExponential(digits - 1).split("e");
    return `${Number(head)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  }

  const finite = (value) => typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null;

  function make(name, attributes, parent) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    parent.append(node);
    return node;
  }

  const across = (step) => count > 1 ? EDGE + step / (count - 1) * (WIDTH - 2 * EDGE) : WIDTH / 2;

  /** Draw a row's numbers over all updates; long ones are thinned to what the width can show. */
  function draw(row) {
    const values = row.series().map(finite), known = values.filter((value) => value !== null);
    row.cell.replaceChildren();
    row.dot = null;
    if (!known.length || count < 2) return;
    let low = Infinity, high = -Infinity;
    for (const value of known) { low = Math.min(low, value); high = Math.max(high, value); }
    const up = (value) => high > low ? HEIGHT - EDGE - (value - low) / (high - low) * (HEIGHT - 2 * EDGE) : HEIGHT / 2;
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" }, row.cell);
    if (low < 0 && high > 0) make("line", { class: "zero", x1: 0, x2: WIDTH, y1: up(0), y2: up(0) }, svg);
    const stride = Math.max(Math.ceil(count / MOST), 1);
    let points = [];
    const flush = () => { if (points.length) make("polyline", { points: points.join(" ") }, svg); points = []; };
    for (let step = 0; step < count; step += stride) {
      if (values[step] === null) flush();
      else points.push(`${across(step).toFixed(1)},${up(values[step]).toFixed(1)}`);
    }
    flush();
    row.dot = make("circle", { r: 3, cx: 0, cy: 0 }, svg);
    row.place = (step) => values[step] === null ? null : [across(step), up(values[step])];
  }

  const rows = [...root.querySelectorAll("[data-row]")].map((line) => {
    const own = data.rows[Number(line.dataset.row)];
    const number = line.querySelector("td.n");
    const row = { line, number, cell: line.querySelector("td.trend"), kind: own.kind, drawn: -1 };
    row.series = () => own.series[own.series.length > 1 ? Number(choice.value) : 0];
    row.alone = own.series.length === 1;
    return row;
  });

  function show() {
    const step = Number(scrubber.value), coordinate = Number(choice.value);
    clock.textContent = `t = ${data.times[step]}`;
    scrubber.setAttribute("aria-valuetext", clock.textContent);
    for (const row of rows) {
      const wanted = row.alone ? 0 : coordinate;
      if (row.drawn !== wanted) { draw(row); row.drawn = wanted; }
      const value = row.series()[step];
      row.number.textContent = text(value, row.kind);
      row.line.classList.toggle("absent", value === null);
      if (row.kind === "share" && typeof value === "number") {
        const meter = document.createElement("span"), part = document.createElement("i");
        meter.className = "meter";
        part.style.width = `${Math.min(Math.max(100 * value, 0), 100).toFixed(2)}%`;
        meter.append(part);
        row.number.append(meter);
      }
      const place = row.dot && row.place(step);
      if (row.dot) row.dot.setAttribute("visibility", place ? "visible" : "hidden");
      if (place) { row.dot.setAttribute("cx", place[0]); row.dot.setAttribute("cy", place[1]); }
    }
  }

  const move = (by) => () => { scrubber.value = Number(scrubber.value) + by; show(); };
  scrubber.addEventListener("input", show);
  choice.addEventListener("change", show);
  one(".ledger-back").addEventListener("click", move(-1));
  one(".ledger-on").addEventListener("click", move(1));
  show();
  document.documentElement.dataset.charts = "drawn";
})();
