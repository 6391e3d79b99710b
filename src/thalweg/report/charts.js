// The five charts. What belongs to a rule is drawn when the rule is first shown.

const { loss, epochs } = data;
// As in paths.js, so that a rule looks the same everywhere; the last is plain gradient descent's.
const DASHES = [[], [8, 4], [10, 3, 2, 3], [2.5, 3], [14, 3], [10, 3, 2, 3, 2, 3], []];
const MARKS = ["circle", "square", "triangle", "diamond", "inverted_triangle", "plus", "square_pin"];
const GREY_MARKS = ["circle", "square", "triangle", "diamond", "inverted_triangle"];

/** How a rule is drawn at this moment. */
function styleOf(rule) {
  const { slot } = rule;
  const dimmed = lifted !== null && lifted !== rule;
  return {
    colour: slot === null ? theme.grey : theme.series[slot],
    dash: slot === null ? [] : DASHES[slot],
    mark: slot === null ? GREY_MARKS[rule.index % GREY_MARKS.length] : MARKS[slot],
    width: lifted === rule ? 3.2 : slot === null ? 1.1 : 2,
    size: slot === null ? 5 : 7.5,
    alpha: dimmed ? 0.25 : 1,
  };
}
let lifted = null; // the rule that is brought forward

const line = (style) => ({ line_color: style.colour, line_dash: { value: style.dash }, line_width: style.width, line_alpha: style.alpha });
const bare = (style) => ({ ...line(style), line_dash: { value: [] } });
const mark = (style) => ({
  marker: { value: style.mark },
  size: style.size,
  line_color: style.colour,
  fill_color: style.colour,
  line_alpha: style.alpha,
  fill_alpha: style.alpha,
});

/** The loss at a height of a frame, whose bottom is at 0 and whose top is at 1. */
const level = ([low, high], share) => (loss.log ? low * (high / low) ** share : low + share * (high - low));
const most = level(loss.range, 4); // far above the chart; what is higher is drawn there
const clipped = (value) => (Number.isFinite(value) ? Math.min(value, most) : value);

/** The losses to show: up to the highest of these; what did worse than the start is left outside. */
function wholeFrame(values) {
  const [low, top] = loss.range;
  const highest = Math.max(level(loss.range, 0.1), ...values.filter(Number.isFinite));
  return [low, Math.min(top, level([low, highest], 1.06))];
}
/** The same near the best loss: what is left at the top is a tenth of what training improves. */
function nearFrame() {
  const high = loss.best + 0.1 * way;
  return [level([loss.low, high], -0.06), high];
}
const STRIP = 0.24; // height of the strip of divergence, in heights of what is below it

/** An axis of losses; more is room above that bears no numbers. */
const yLoss = (frame, label, more = 0) => ({
  range: [frame[0], level(frame, 1 + more)],
  log: loss.log,
  label,
  marks: ticks(frame, loss.log, 7),
});
/** Let a chart of losses show all of them, or those near the best. */
function zoomable(chart, frame, more = 0) {
  chart.frame = frame;
  chart.zoom = (near) => {
    chart.frame = near ? nearFrame() : frame;
    chart.set_y(yLoss(chart.frame, chart.y.label, more));
  };
  return chart;
}
const way = loss.first - loss.best; // what training improves
const HEIGHT = narrow ? 300 : 400;

function tried() {
  const rates = rules.flatMap((rule) => rule.sens.x).filter((rate) => rate !== null);
  const theories = rules.map((rule) => rule.theory).filter((rate) => rate !== null && rate !== undefined);
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const near = theories.filter((rate) => rate > low / 30 && rate < high * 30);
  const room = Math.max((Math.max(...near, high) / Math.min(...near, low)) ** 0.03, 1.25);
  const range = [Math.min(...near, low) / room, Math.max(...near, high) * room];
  return { range, log: true, label: "learning rate", marks: ticks(range, true, narrow ? 5 : 10) };
}

const anyLost = rules.some((rule) => rule.sens.m.includes(null));

function sensitivityChart() {
  const x = tried();
  const frame = wholeFrame(rules.flatMap((rule) => [...rule.sens.m, ...rule.sens.hi]));
  const more = anyLost ? STRIP : 0;
  const y = yLoss(frame, `${loss.name} at the end`, more);
  const chart = zoomable(new Chart("sensitivity", { x, y, height: HEIGHT }), frame, more);
  chart.strip = (share) => level(chart.frame, 1 + STRIP * share);
  if (anyLost) {
    const ends = () => ({ bottom: [chart.strip(0)], top: [chart.strip(1.02)] });
    const band = { left: [x.range[0]], right: [x.range[1]], ...ends() };
    // Above the lines that leave the chart, below the marks of the strip.
    chart.add("Quad", band, { line_color: null, level: "annotation" }, () => ({ fill_color: theme.band, data: ends() }));
    const word = { x: [x.range[0]], y: [chart.strip(1)], text: ["diverged"] };
    const fixed = { text_font: FONT, text_font_size: "11px", text_baseline: "top", x_offset: 5, y_offset: 3, level: "overlay" };
    chart.add("Text", word, fixed, () => ({ text_color: theme.soft, data: { y: [chart.strip(1)] } }));
  }
  chart.draw = (rule) => {
    const { sens } = rule;
    const told = sens.x.map((rate, k) => ({
      x: rate,
      y: sens.m[k] === null ? null : clipped(sens.m[k]), // null: in the strip
      lines: [
        rate === null ? "no learning rate" : `rate ${written(rate, 3)}`,
        sens.m[k] === null ? "half or more of the runs diverged" : `loss ${lossText(sens.m[k])}`,
        ...(sens.lo[k] === sens.hi[k] || sens.m[k] === null ? [] : [`middle half ${lossText(sens.lo[k])} to ${lossText(sens.hi[k])}`]),
        ...(sens.lost[k] ? [`diverged: ${written(100 * sens.lost[k], 3)} %`] : []),
      ],
    }));
    if (sens.x[0] === null) {
      if (sens.m[0] === null) return [];
      const middle = Math.sqrt(x.range[0] * x.range[1]);
      chart.points.set(rule, [{ ...told[0], x: middle }]);
      const level_line = { x: x.range, y: [clipped(sens.m[0]), clipped(sens.m[0])] };
      const point = { x: [middle], y: [clipped(sens.m[0])] };
      return [
        chart.add("Line", level_line, {}, () => line(styleOf(rule))),
        chart.add("Scatter", point, {}, () => mark(styleOf(rule))),
      ];
    }
    chart.points.set(rule, told);
    const columns = { x: sens.x, y: numbers(sens.m).map(clipped) };
    const low = numbers(sens.lo).map(clipped);
    const high = sens.hi.map((value, k) => (sens.m[k] === null ? NaN : value === null ? most : clipped(value)));
    const drawn = [];
    if (sens.x.length > 1) {
      const band = { x: sens.x, y1: low, y2: high };
      drawn.push(chart.add("VArea", band, {}, () => ({ fill_color: styleOf(rule).colour, fill_alpha: 0.13 * styleOf(rule).alpha })));
    } else {
      const bar = { x0: sens.x, y0: low, x1: sens.x, y1: high };
      drawn.push(chart.add("Segment", bar, {}, () => bare(styleOf(rule))));
    }
    drawn.push(chart.add("Line", columns, {}, () => line(styleOf(rule))));
    drawn.push(chart.add("Scatter", columns, {}, () => mark(styleOf(rule))));
    return [...drawn, ...strip(chart, rule)];
  };
  return chart;
}

/** What stands in the strip of divergence: crosses, the span of the measured limit, and theory's limit beside it. */
function strip(chart, rule) {
  const row = () => chart.strip(((rule.slot ?? 7) + 0.8) / 8.6);
  const drawn = [];
  const add = (kind, columns, look) =>
    drawn.push(chart.add(kind, columns, { level: "overlay" }, () => look(styleOf(rule), rule.slot === null)));
  const lost = rule.sens.x.filter((_, k) => rule.sens.m[k] === null);
  if (lost.length) {
    const look = (style, grey) => ({ ...mark(style), marker: { value: "x" }, size: grey ? 4 : 7, line_width: 2, data: { y: lost.map(row) } });
    add("Scatter", { x: lost, y: lost.map(row) }, look);
  }
  const [below, above] = rule.measured;
  if (below !== null && lost.length) {
    const look = (style, grey) => ({ ...bare(style), line_width: grey ? 1 : 3, data: { y0: [row()], y1: [row()] } });
    add("Segment", { x0: [below], y0: [row()], x1: [above], y1: [row()] }, look);
  }
  const [left, right] = chart.x.range;
  if (rule.theory && rule.theory > left && rule.theory < right) {
    const place = anyLost ? row : () => chart.strip(0);
    const upright = (style) => ({ ...bare(style), line_dash: { value: [2, 4] }, line_width: 1.2, data: { y0: [chart.y.range[0]], y1: [place()] } });
    add("Segment", { x0: [rule.theory], y0: [chart.y.range[0]], x1: [rule.theory], y1: [place()] }, upright);
    const tick = (style) => ({ ...mark(style), marker: { value: "inverted_triangle" }, fill_color: theme.band, size: 8, line_width: 1.6, data: { y: [place()] } });
    add("Scatter", { x: [rule.theory], y: [place()] }, tick);
  }
  return drawn;
}

/** At most eight of a curve's points, a different eight for each rule, so that marks do not hide each other. */
function sparse(count, index) {
  const every = Math.max(1, Math.ceil(count / 8));
  const start = Math.floor(((index % 7) / 7) * every);
  return Array.from({ length: count }, (_, k) => k).filter((k) => k % every === start);
}

function curvesChart() {
  const end = Math.max(epochs[epochs.length - 1], 1);
  const whole = ticks([0, end], false, narrow ? 5 : 9);
  whole.places = whole.places.filter(Number.isInteger);
  whole.texts = whole.places.map(String);
  const x = { range: [-0.01 * end, end * 1.015], log: false, label: "epoch", marks: whole };
  const frame = wholeFrame([loss.range[1]]);
  const chart = zoomable(new Chart("curves", { x, y: yLoss(frame, loss.name), height: HEIGHT }), frame);
  if (loss.goal !== null) {
    const goal = { x0: [x.range[0]], y0: [loss.goal], x1: [x.range[1]], y1: [loss.goal] };
    chart.add("Segment", goal, { line_width: 1, line_dash: { value: [1, 3] } }, () => ({ line_color: theme.ink }));
    chart.mark_right(loss.goal, "goal");
  }
  chart.draw = (rule) => {
    const { m, runs } = rule.curve;
    const seen = epochs.slice(0, m.length);
    const median = numbers(m).map(clipped);
    const tell = (value, k) => ({ x: seen[k], y: value, lines: [`epoch ${seen[k]}`, `loss ${lossText(m[k])}`] });
    chart.points.set(rule, median.map(tell).filter((point) => Number.isFinite(point.y)));
    const drawn = [];
    if (runs.length) {
      const faint = { xs: runs.map((run) => seen.slice(0, run.length)), ys: runs.map((run) => numbers(run).map(clipped)) };
      drawn.push(chart.add("MultiLine", faint, { line_width: 1 }, () => {
        const style = styleOf(rule);
        return { line_color: style.colour, line_alpha: 0.3 * style.alpha };
      }));
    }
    drawn.push(chart.add("Line", { x: seen, y: median }, {}, () => line(styleOf(rule))));
    const some = sparse(seen.length, rule.index);
    const points = { x: some.map((k) => seen[k]), y: some.map((k) => median[k]) };
    drawn.push(chart.add("Scatter", points, {}, () => mark(styleOf(rule))));
    return drawn;
  };
  return chart;
}

function triesChart() {
  const end = Math.max(...rules.map((rule) => rule.after.length), 2);
  const whole = ticks([1, end], false, narrow ? 5 : 8);
  whole.places = [...new Set([1, ...whole.places.filter(Number.isInteger)])];
  whole.texts = whole.places.map(String);
  const x = { range: [1 - 0.02 * end, end * 1.02], log: false, label: "learning rates tried", marks: whole };
  const frame = wholeFrame(rules.flatMap((rule) => rule.after));
  const chart = zoomable(new Chart("tries", { x, y: yLoss(frame, `expected ${loss.name}`), height: HEIGHT }), frame);
  chart.draw = (rule) => {
    const after = rule.after.length === 1 ? Array(end).fill(rule.after[0]) : rule.after;
    const tries = after.map((_, k) => k + 1);
    const value = numbers(after).map(clipped);
    const tell = (y, k) => ({ x: k + 1, y, lines: [`after ${k + 1} ${k ? "tries" : "try"}`, `expected loss ${lossText(after[k])}`] });
    chart.points.set(rule, value.map(tell).filter((point) => Number.isFinite(point.y)));
    const some = sparse(tries.length, rule.index);
    const points = { x: some.map((k) => tries[k]), y: some.map((k) => value[k]) };
    return [
      chart.add("Line", { x: tries, y: value }, {}, () => line(styleOf(rule))),
      chart.add("Scatter", points, {}, () => mark(styleOf(rule))),
    ];
  };
  return chart;
}

const [HEAD, TAIL] = narrow ? [10, 8] : [14, 11];
const short = (name) => (name.length > HEAD + TAIL + 1 ? `${name.slice(0, HEAD)}…${name.slice(-TAIL)}` : name);
/** An axis with a row for each rule, the best on top. */
function rows() {
  const places = rules.map((_, k) => rules.length - k);
  return { range: [0.4, rules.length + 0.6], log: false, marks: { places, texts: rules.map((rule) => short(rule.name)), between: [] } };
}
const rowsHeight = (each) => Math.max(120, rules.length * each + 60);

function heatChart() {
  const x = tried();
  const chart = new Chart("heat", { x: { ...x, marks: ticks(x.range, true, narrow ? 4 : 12) }, y: rows(), height: rowsHeight(19), wide: true });
  const cells = { left: [], right: [], bottom: [], top: [] };
  const [kinds, dots, crosses] = [[], { x: [], y: [] }, { x: [], y: [] }];
  for (const [k, rule] of rules.entries()) {
    const { sens } = rule;
    const rates = sens.x;
    const y = rules.length - k;
    const step = rates.length > 1 ? Math.sqrt(rates[1] / rates[0]) : 1.3;
    const told = [];
    for (const [j, rate] of rates.entries()) {
      const half = rate === null ? 0.12 : 0.46; // without a rate: a thin bar along all of them
      cells.left.push(rate === null ? x.range[0] : j ? Math.sqrt(rate * rates[j - 1]) : rate / step);
      const beyond = j ? Math.sqrt(rate / rates[j - 1]) : step;
      cells.right.push(rate === null ? x.range[1] : j + 1 < rates.length ? Math.sqrt(rate * rates[j + 1]) : rate * beyond);
      cells.bottom.push(y - half);
      cells.top.push(y + half);
      const value = sens.m[j];
      const left = value === null ? null : way > 0 ? (value - loss.best) / way : 2;
      kinds.push(left === null ? null : data.shades.findIndex((share) => left <= share));
      const at = rate ?? Math.sqrt(x.range[0] * x.range[1]);
      if (left === null) crosses.x.push(at), crosses.y.push(y);
      else if (rate !== null && rate === rule.best) dots.x.push(rate), dots.y.push(y);
      const lost = sens.lost[j] ? [`diverged: ${written(100 * sens.lost[j], 3)} %`] : [];
      const share = left === null ? [] : [left > 1 ? "worse than the start" : `${written(100 * left, 2)} % of the way left`];
      const tried = rate === null ? "no learning rate" : `rate ${written(rate, 3)}`;
      told.push({ x: at, y, lines: [tried, value === null ? "half or more diverged" : `loss ${lossText(value)}`, ...share, ...lost] });
    }
    chart.points.set(rule, told);
  }
  chart.everyRule = true;
  chart.add("Quad", cells, { line_width: 1 }, () => {
    const fill = kinds.map((kind) => (kind === null ? theme.panel : theme.shades[kind < 0 ? 8 : kind]));
    return { fill_color: { field: "fill" }, line_color: theme.panel, data: { fill } };
  });
  chart.add("Scatter", crosses, { marker: "x", size: narrow ? 5 : 7, line_width: 1.5 }, () => ({ line_color: theme.soft }));
  chart.add("Scatter", dots, { marker: "circle", size: narrow ? 4 : 6, line_color: null }, () => ({ fill_color: theme.dot }));
  return chart;
}

function differencesChart() {
  const known = rules.filter((rule) => rule.diff && rule.diff.m !== null);
  const ends = known.map((rule) => [rule.diff.lo ?? rule.diff.m, rule.diff.hi ?? rule.diff.m]);
  const highest = ends.map((pair) => pair[1]).sort((a, b) => a - b);
  const lowest = ends.map((pair) => pair[0]).sort((a, b) => a - b);
  const typical = highest[Math.floor(0.75 * (highest.length - 1))];
  const high = Math.max(Math.min(highest[highest.length - 1], 3 * Math.max(typical, 0) || Infinity), 0);
  const low = Math.min(Math.max(lowest[0], -Math.max(high, -lowest[0] / 3)), 0);
  const room = 0.05 * (high - low) || 0.01 * Math.abs(way) || 1;
  const range = [low - room, high + room];
  const x = { range, log: false, label: `difference in ${loss.compared}`, marks: ticks(range, false, narrow ? 4 : 7) };
  const chart = new Chart("differences", { x, y: rows(), height: rowsHeight(19), wide: true });
  chart.everyRule = true;
  const zero = { x0: [0], y0: [0.4], x1: [0], y1: [rules.length + 0.6] };
  chart.add("Segment", zero, { line_width: 1 }, () => ({ line_color: theme.soft }));
  const cut = (value) => Math.min(Math.max(value, range[0]), range[1]);
  for (const rule of rules) {
    const y = rules.length - rule.index;
    const diff = rule.diff ?? { m: 0, lo: 0, hi: 0, apart: false };
    const lines = rule.diff
      ? [`difference ${written(diff.m, 3)}`, `interval ${written(diff.lo, 3)} to ${written(diff.hi, 3)}`, diff.apart ? "told apart" : "not told apart"]
      : ["the best"];
    chart.points.set(rule, [{ x: diff.m === null ? range[1] : cut(diff.m), y, lines: diff.m === null ? ["diverged"] : lines }]);
    const colour = () => (rule.slot === null || !rule.on ? theme.grey : theme.series[rule.slot]);
    if (diff.m === null || diff.m > range[1] || diff.m < range[0]) {
      const away = diff.m !== null && diff.m < range[0];
      const arrow = { x: [away ? range[0] + room / 2 : range[1] - room / 2], y: [y] };
      const fixed = { marker: "triangle", angle: away ? Math.PI / 2 : -Math.PI / 2, size: 8 };
      chart.add("Scatter", arrow, fixed, () => ({ fill_color: colour(), line_color: colour() }));
      continue;
    }
    if (diff.lo !== null && diff.hi !== null && diff.hi > diff.lo) {
      const bar = { x0: [cut(diff.lo)], y0: [y], x1: [cut(diff.hi)], y1: [y] };
      chart.add("Segment", bar, { line_width: 2 }, () => ({ line_color: colour() }));
    }
    const fixed = { marker: rule.diff ? "circle" : "star", size: rule.diff ? 8 : 11, line_width: 2 };
    chart.add("Scatter", { x: [diff.m], y: [y] }, fixed, () => ({
      line_color: colour(),
      fill_color: diff.apart || !rule.diff ? colour() : theme.panel,
    }));
  }
  return chart;
}
