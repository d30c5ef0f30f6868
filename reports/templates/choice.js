// The choice of blocks and of a score: it lives in the address, so that a link shows the same again.
const choice = document.getElementById("choice");
const selects = all("select", choice);
const fields = selects.filter((select) => select.name !== "score");
const scoreSelect = selects.find((select) => select.name === "score");
const labels = new Map(all("#blocks dd").map((dd) => [dd.textContent, dd.previousElementSibling.textContent]));
const spaced = (text) => (text ? text.split(" ") : []);

function chosenBlocks() {
  let keys = new Set(labels.values());
  for (const select of fields) {
    const own = select.selectedOptions[0].dataset.blocks;
    if (own !== undefined) keys = new Set(spaced(own).filter((key) => keys.has(key)));
  }
  return keys;
}

// The shown groups of a figure share its width; `data-pad` is the air beside the first and the last.
function give(svg, keys, shown) {
  const [left, width, pad] = ["left", "width", "pad"].map((name) => Number(svg.dataset[name]));
  const [before, after] = [keys.length, shown.length].map((n) => width / (n + 2 * pad));
  const spread = after / before;
  const group = new Map(keys.map((key, i) => {
    const place = shown.indexOf(key);
    const old = left + before * (i + 0.5 + pad);
    return [i, { old, now: place < 0 ? null : left + after * (place + 0.5 + pad) }];
  }));
  const moved = (x, { old, now }) => now + (x - old) * spread;
  for (const part of all("[data-role]", svg)) {
    const own = group.get(Number(part.dataset.group));
    if (own.now === null) { part.setAttribute("display", "none"); continue; }
    part.removeAttribute("display");
    if (part.dataset.role === "wide") {
      part.setAttribute("transform", `translate(${own.now - own.old * spread} 0) scale(${spread} 1)`);
      continue;
    }
    const [x] = /translate\((-?[\d.]+)/.exec(part.innerHTML)?.slice(1).map(Number) ?? [own.old];
    const shift = part.dataset.role === "word" ? moved(x - 5, own) + 5 - x : own.now - own.old;
    part.setAttribute("transform", `translate(${shift} 0)`);
  }
  for (const mark of all(".mark", svg)) {
    mark.dataset.x ??= mark.getAttribute("x");
    const own = group.get(keys.indexOf(labels.get(trialOf(mark).block)));
    if (own.now === null) { mark.setAttribute("display", "none"); continue; }
    mark.removeAttribute("display");
    mark.setAttribute("x", moved(Number(mark.dataset.x), own));
  }
}

// A caption counts all trials of its figure; where only some are shown, it says so.
function count(figure, svg) {
  const [left, every] = [".mark:not([display])", ".mark"].map((what) => all(what, svg).length);
  const note = figure.querySelector(".now") ?? document.createElement("span");
  note.className = "now";
  note.textContent = left < every ? ` Shown: ${left} of ${every} trials.` : "";
  figure.querySelector("figcaption").append(note);
}

function choose() {
  const keys = chosenBlocks();
  const family = scoreSelect?.value ?? "";
  const wasActive = choice.classList.contains("active");
  const active = keys.size < labels.size || Boolean(family);
  hide();
  for (const part of all("figure[data-blocks], .of-block")) {
    const own = spaced(part.dataset.blocks);
    const shown = own.filter((key) => keys.has(key));
    const box = part.parentElement.tagName === "DETAILS" ? part.parentElement : part;
    box.classList.toggle("away", !shown.length || Boolean(family && part.dataset.score && part.dataset.score !== family));
    const svg = part.querySelector("svg[data-left]");
    if (svg && shown.length && (active || wasActive)) { give(svg, own, shown); rove(svg); count(part, svg); }
  }
  for (const section of all("main > section")) {
    const seen = all("details:not(.away) > figure[data-blocks]", section);
    if (active && seen.length <= 3) for (const figure of seen) figure.parentElement.open = true;
  }
  const words = scoreSelect ? [...scoreSelect.options].slice(1).map((option) => option.text) : [];
  const word = family ? scoreSelect.selectedOptions[0].text : "";
  const isOf = (head, score) => head === score || head.startsWith(`${score} (`);
  for (const table of all("#scores table")) {
    const heads = [...table.tHead.rows[0].cells];
    const scored = heads.map((th) => words.find((score) => isOf(th.textContent.trim(), score)));
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) {
      const block = labels.get(row.cells[0].textContent);
      row.classList.toggle("away", block !== undefined && !keys.has(block));
    }
    const left = rows.filter((row) => !row.classList.contains("away"));
    const away = scored.map((score, i) => Boolean(active && score
      && ((word && score !== word) || left.every((row) => row.cells[i].textContent === "–"))));
    for (const row of table.rows) away.forEach((gone, i) => row.cells[i].classList.toggle("away", gone));
    table.closest(".block").classList.toggle("away", scored.some(Boolean) && scored.every((s, i) => !s || away[i]));
  }
  counts.forEach((count) => count());
  const blocks = keys.size === 1 ? [...labels].find((pair) => keys.has(pair[1]))[0] : `${keys.size} of ${labels.size} blocks`;
  document.getElementById("chosen").textContent = !active ? "" : keys.size ? blocks : "no block is so";
  choice.lastElementChild.hidden = !active;
  choice.classList.toggle("active", active);
}

// Where the bar stays at the top, a jump ends below it, however many lines it takes.
function clear() {
  const stays = getComputedStyle(choice).position === "sticky";
  document.documentElement.style.scrollPaddingTop = stays ? `${choice.offsetHeight + 16}px` : "";
}

const address = () => location.hash.slice(1).split("&").filter(Boolean);
const anchor = () => decodeURIComponent(address().find((part) => !part.includes("=")) ?? "");
function write(place) {
  const state = new URLSearchParams(selects.filter((s) => s.selectedIndex).map((s) => [s.name, s.value]));
  history.replaceState(null, "", `#${[place, String(state)].filter(Boolean).join("&")}`);
}
function read() {
  const state = new URLSearchParams(address().filter((part) => part.includes("=")).join("&"));
  for (const select of selects) {
    const at = [...select.options].findIndex((option) => option.value === state.get(select.name));
    select.selectedIndex = Math.max(0, at);
  }
}
if (selects.length) {
  choice.hidden = false;
  clear();
  new ResizeObserver(clear).observe(choice);
  choice.addEventListener("change", () => { choose(); write(anchor()); });
  choice.lastElementChild.addEventListener("click", () => {
    for (const select of selects) select.selectedIndex = 0;
    choose();
    write(anchor());
    selects[0].focus();
  });
  addEventListener("hashchange", () => {
    if (location.hash.includes("=")) { read(); choose(); } else write(anchor());
    if (anchor()) document.getElementById(anchor())?.scrollIntoView();
  });
}
