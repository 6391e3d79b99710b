// What a chart says about the point under the pointer, or under the arrow keys.

const readout = document.getElementById("readout");
const REACH = 40; // pixels from the pointer within which a point is meant

function tellable(chart) {
  return rules.filter((rule) => (chart.everyRule || rule.on) && chart.points.get(rule)?.length);
}

function nearest(chart, x, y) {
  let best = null;
  for (const rule of tellable(chart)) {
    for (const [k, point] of chart.points.get(rule).entries()) {
      if (point.y > chart.y.range[1]) continue; // outside; the arrow keys go there
      const [px, py] = chart.place(point.x, point.y);
      const far = chart.everyRule ? Math.hypot((px - x) / 4, py - y) : Math.hypot(px - x, py - y);
      if (far < (best?.far ?? REACH)) best = { rule, k, far };
    }
  }
  return best;
}

function hideReadout() {
  readout.hidden = true;
  for (const dot of document.querySelectorAll(".dot")) dot.remove();
}

function tell(chart, { rule, k }) {
  const point = chart.points.get(rule)[k];
  const [x, y] = chart.place(point.x, point.y);
  hideReadout();
  const head = document.createElement("b");
  head.textContent = rule.name;
  readout.replaceChildren(head, ...point.lines.flatMap((text, n) => (n ? [document.createElement("br"), text] : [text])));
  readout.hidden = false;
  const dot = document.createElement("div");
  dot.className = "dot";
  dot.style.left = `${x}px`;
  dot.style.top = `${y}px`;
  chart.holder.append(dot);
  const frame = chart.holder.getBoundingClientRect();
  const [width, height] = [readout.offsetWidth, readout.offsetHeight];
  const right = frame.left + x + 14 + width < root.clientWidth;
  const left = right ? frame.left + x + 14 : Math.max(4, frame.left + x - 14 - width);
  const top = frame.top + y - height - 10 > 0 ? frame.top + y - height - 10 : frame.top + y + 14;
  readout.style.left = `${left + window.scrollX}px`;
  readout.style.top = `${top + window.scrollY}px`;
}

function listenToChart(chart) {
  const { holder } = chart;
  let at = null;
  const point = (event) => {
    const frame = holder.getBoundingClientRect();
    const found = nearest(chart, event.clientX - frame.left, event.clientY - frame.top);
    if (found) tell(chart, (at = found));
    else hideReadout();
  };
  holder.addEventListener("pointermove", point);
  holder.addEventListener("pointerdown", point);
  holder.addEventListener("pointerleave", hideReadout);
  holder.addEventListener("blur", hideReadout);
  holder.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hideReadout();
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = steps[event.key];
    const known = tellable(chart);
    if (!step || !known.length || event.ctrlKey || event.altKey || event.metaKey) return undefined;
    event.preventDefault();
    const place = at ? known.indexOf(at.rule) : -1;
    if (place < 0) at = { rule: known[0], k: 0 };
    else {
      const rule = known[Math.min(Math.max(place + step[0], 0), known.length - 1)];
      const last = chart.points.get(rule).length - 1;
      at = { rule, k: Math.min(Math.max(at.k + step[1], 0), last) };
    }
    return tell(chart, at);
  });
}
