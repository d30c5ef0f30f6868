// A mark tells its trial: by the pointer near it, and by the arrow keys within its figure.
const tip = document.getElementById("tip");
const trials = [];
for (const line of document.getElementById("marks").textContent.split("\n")) {
  const [key, level, block, seed, outcome, study] = line.split("\t");
  trials.push({ key, level, block, seed, outcome, study: study || trials.at(-1)?.study });
}
const trialOf = (mark) => trials[mark.dataset.trial];
const NEAR = 14;
let pointed = null;
let leaving = 0;

function scoreOf(mark) {
  return `${mark.closest("figure").dataset.word} ${mark.dataset.value}`;
}
const said = (mark) => {
  const { level, block, seed, outcome } = trialOf(mark);
  return `${level}, ${block}, seed ${seed}: ${scoreOf(mark)}, ${outcome}`;
};
const marksOf = (svg) => all(".mark:not([display])", svg).sort((a, b) => a.x.baseVal.value - b.x.baseVal.value);

function ring(mark) {
  for (const old of all(".ring")) old.remove();
  if (!mark) return;
  const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, value] of Object.entries({ class: "ring", cx: mark.getAttribute("x"), cy: mark.getAttribute("y"), r: 5 })) circle.setAttribute(name, value);
  mark.ownerSVGElement.append(circle);
}
function show(mark) {
  clearTimeout(leaving);
  if (pointed === mark) return;
  pointed = mark;
  const { key, level, block, seed, outcome, study } = trialOf(mark);
  const [first, second] = all("p", tip);
  first.firstElementChild.textContent = level;
  first.lastElementChild.textContent = block;
  second.textContent = `${scoreOf(mark)} · seed ${seed} · ${outcome}`;
  tip.querySelector("code").textContent = `ablation rerun ${study} ${key}`;
  tip.querySelector("button").textContent = "Copy";
  mark.closest(".scroll").after(tip);
  tip.hidden = false;
  const [at, own] = [mark.getBoundingClientRect(), tip.getBoundingClientRect()];
  const room = document.documentElement.clientWidth - own.width - 8;
  const above = at.top - own.height - 10;
  tip.style.left = `${scrollX + Math.max(8, Math.min(room, at.left + at.width / 2 - own.width / 2))}px`;
  tip.style.top = `${scrollY + (above > 4 ? above : at.bottom + 10)}px`;
  ring(mark);
}
function hide() {
  clearTimeout(leaving);
  pointed = null;
  tip.hidden = true;
  ring(null);
}
const leave = () => {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    const at = document.activeElement;
    if (tip.contains(at) || tip.matches(":hover")) return;
    if (at.classList.contains("mark")) show(at);
    else hide();
  }, 300);
};
function rove(svg, to) {
  const marks = marksOf(svg);
  const next = to ?? marks[0];
  for (const mark of all(".mark[tabindex]", svg)) mark.removeAttribute("tabindex");
  if (!next) return;
  next.setAttribute("tabindex", "0");
  next.setAttribute("role", "button");
  next.setAttribute("aria-label", said(next));
}
function near(svg, event) {
  const matrix = svg.getScreenCTM();
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
  const far = (mark) => Math.hypot(mark.x.baseVal.value - point.x, mark.y.baseVal.value - point.y);
  let best = null;
  for (const mark of all(".mark:not([display])", svg)) if (!best || far(mark) < far(best)) best = mark;
  return best && far(best) * matrix.a <= NEAR ? best : null;
}
const cellOf = (mark) => `${trialOf(mark).level}\t${trialOf(mark).block}`;
const STEPS = {
  ArrowRight: (marks, i) => marks[i + 1],
  ArrowLeft: (marks, i) => marks[i - 1],
  ArrowDown: (marks, i) => marks.slice(i).find((mark) => cellOf(mark) !== cellOf(marks[i])),
  ArrowUp: (marks, i) => marks.slice(0, i).findLast((mark) => cellOf(mark) !== cellOf(marks[i])),
  Home: (marks) => marks[0],
  End: (marks) => marks.at(-1),
};
for (const svg of all("svg[role=group]")) {
  rove(svg);
  svg.addEventListener("pointermove", (event) => {
    const mark = near(svg, event);
    if (mark) show(mark);
    else if (pointed) leave();
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("click", (event) => {
    const mark = near(svg, event);
    if (mark) { rove(svg, mark); mark.focus(); show(mark); }
  });
  svg.addEventListener("focusin", (event) => { if (event.target.matches(".mark")) show(event.target); });
  svg.addEventListener("focusout", leave);
  svg.addEventListener("keydown", (event) => {
    const marks = marksOf(svg);
    const here = marks.indexOf(event.target);
    if (here < 0) return;
    if (event.key in STEPS) {
      const next = STEPS[event.key](marks, here);
      if (next) { rove(svg, next); next.focus(); }
    } else if (event.key === "Enter" || event.key === " ") {
      show(event.target);
      tip.querySelector("button").focus();
    } else return;
    event.preventDefault();
  });
}
tip.addEventListener("pointerenter", () => clearTimeout(leaving));
tip.addEventListener("pointerleave", leave);
tip.addEventListener("focusout", leave);
tip.querySelector("button").addEventListener("click", async (event) => {
  const code = tip.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  event.target.textContent = "Copied";
  tell("Copied");
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || tip.hidden) return;
  const mark = pointed;
  const inside = tip.contains(document.activeElement);
  hide();
  if (inside) { mark.focus(); hide(); }
});
read();
choose();
if (selects.length && location.hash.includes("=") && anchor()) document.getElementById(anchor())?.scrollIntoView();
