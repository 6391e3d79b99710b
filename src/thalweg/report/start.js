// Draw the charts, follow the page's colours, copy commands, and leave drawings for the printer.

function recolour() {
  theme = colours();
  repaint();
  tellOthers();
}

const tellOthers = () => document.dispatchEvent(new CustomEvent("thalweg:theme"));

/** Each colour of one theme with its counterpart in another. */
function exchange(before, after) {
  const pairs = (theme) => Object.values(theme).flat();
  return new Map(pairs(before).map((colour, k) => [colour, pairs(after)[k]]));
}

function listenToPage() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  window.addEventListener("beforeprint", () => {
    const before = theme;
    root.classList.add("printing");
    theme = colours();
    repaintKeys();
    tellOthers();
    const exchanged = exchange(before, theme);
    for (const chart of charts) {
      const copy = document.createElement("div");
      copy.className = "print-copy";
      copy.append(chart.drawing(exchanged));
      chart.holder.append(copy);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const copy of document.querySelectorAll(".print-copy")) copy.remove();
    root.classList.remove("printing");
    theme = colours();
    repaintKeys();
    tellOthers();
  });
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      getSelection().selectAllChildren(code);
      let copied = false;
      try {
        await navigator.clipboard.writeText(code.textContent);
        copied = true;
      } catch {
        copied = document.execCommand("copy"); // browsers that give a file no clipboard
      }
      button.textContent = copied ? "Copied" : "Selected";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }
}

async function start() {
  const makers = { sensitivity: sensitivityChart, curves: curvesChart, heat: heatChart, differences: differencesChart, tries: triesChart };
  charts = [...document.querySelectorAll("[data-chart]")].map((holder) => makers[holder.dataset.chart]());
  switchRules(rules.filter((rule) => rule.shown), true);
  for (const chart of charts) await chart.show();
  for (const chart of charts) listenToChart(chart);
  listenToLegend();
  listenToPage();
  root.dataset.charts = "drawn";
}
start();
