"use strict";
// Without this script the page shows everything; with it, tables sort and filter, and figures and samples answer.
const all = (what, where = document) => [...where.querySelectorAll(what)];
const told = document.getElementById("told");
const tell = (words) => { told.textContent = words; };

// Tables sort by a click on a heading and filter by words. `away` is what the choice of blocks hides.
const collator = new Intl.Collator("en", { numeric: true });
const counts = [];
const MOST = 500; // rows of a table shown at first: a browser takes seconds to lay out thousands
for (const table of all("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  let rows = original;
  const first = original.length > 2 * MOST ? MOST : Infinity;
  let most = first;
  let count = () => {};

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return collator.compare(a, b);
  };

  headings.forEach((heading, column) => {
    const name = heading.textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "none" }[heading.ariaSort] ?? "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      rows = original;
      if (next !== "none") {
        heading.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const keyed = original.map((row) => [key(row, column), row]);
        rows = keyed.sort((a, b) => sign * compare(a[0], b[0])).map((pair) => pair[1]);
      }
      body.append(...rows);
      most = first;
      count();
      tell(next === "none" ? "Rows in their first order" : `Sorted by ${name}, ${next}`);
    });
  });

  if (original.length > 6) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const shown = document.createElement("span");
    const more = document.createElement("button");
    let texts = null;
    label.className = "filter";
    shown.setAttribute("role", "status");
    input.type = "search";
    input.placeholder = "words to find";
    more.type = "button";
    more.textContent = "Show all";
    more.addEventListener("click", () => { most = Infinity; count(); });
    count = () => {
      let left = 0;
      for (const row of rows) {
        const fits = !row.hidden && !row.classList.contains("away");
        left += fits;
        row.classList.toggle("later", fits && left > most);
      }
      const words = [original.length];
      if (left < original.length) words.unshift(left);
      if (left > most) words.unshift(`first ${most}`);
      shown.textContent = words.length > 1 ? `${words.join(" of ")} rows` : "";
      more.hidden = left <= most;
    };
    input.addEventListener("input", () => {
      texts ??= original.map((row) => [...row.cells].map((c) => c.textContent).join(" ").toLowerCase());
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      original.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
      count();
    });
    counts.push(() => count());
    label.append("Filter ", input);
    const line = document.createElement("div");
    line.className = "filtering";
    line.append(label, shown, more);
    table.closest(".block").prepend(line);
    count();
  }
}

// What does not scroll sideways is no stop for the tab key.
const sideways = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
all(".scroll, pre").forEach((part) => sideways.observe(part));

// Light and dark follow the system until the button is pressed; a file's page may have no storage.
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = document.getElementById("theme");
const kept = (...words) => {
  try {
    if (!words.length) return localStorage.getItem("theme");
    if (words[0]) localStorage.setItem("theme", words[0]);
    else localStorage.removeItem("theme");
  } catch { /* it is forgotten with the page */ }
  return null;
};
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
const wear = (name) => {
  if (name === "dark" || name === "light") document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  theme.textContent = `Theme: ${isDark() ? "dark" : "light"}`;
};
theme.addEventListener("click", () => {
  const next = isDark() ? "light" : "dark";
  const own = next === (dark.matches ? "dark" : "light") ? "" : next;
  kept(own);
  wear(own);
});
dark.addEventListener("change", () => wear(document.documentElement.dataset.theme));
wear(kept());
theme.hidden = false;

// One slider moves all grids of samples: each shows the last picture that it has by then.
for (const label of all(".slider")) {
  const slider = label.querySelector("input");
  const steps = slider.dataset.steps.split(" ").map(Number);
  const written = (step) => step.toLocaleString("en");
  const move = () => {
    const step = steps[slider.value];
    const words = `step ${written(step)} of ${written(steps.at(-1))}`;
    slider.setAttribute("aria-valuetext", words);
    label.querySelector("output").textContent = words;
    for (const cell of all("#samples li")) {
      const frames = all("img", cell);
      const now = frames.filter((frame) => Number(frame.dataset.step) <= step).at(-1);
      for (const frame of frames) frame.hidden = frame !== now;
      const at = now && Number(now.dataset.step);
      cell.classList.toggle("empty", frames.length > 0 && !now);
      cell.querySelector(".at").textContent = !frames.length || at === step ? "" : now ? `at step ${written(at)}` : "none yet";
    }
  };
  slider.addEventListener("input", move);
  label.hidden = false;
  move();
}
addEventListener("beforeprint", () => {
  for (const details of all("details")) details.open = true;
});
