"use strict";
const { links } = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const rows = [...document.querySelectorAll("tbody tr")];
const dots = rows.map((_, n) => by(`d${n}`));
const names = new Map([...document.querySelectorAll(".name")].map((name) => [Number(name.dataset.n), name]));
const lines = [...document.querySelectorAll(".link")];
const [chart, detail, find, since, strong] = ["chart", "detail", "find", "since", "strong"].map(by);
const lanes = [...document.querySelectorAll("input[name=lane]")];
const FEW = 8;
let chosen = null;
let ready = false;
let picked = false; // the paper shown at first dims nothing: the whole graph is about it
let here = 0; // the mark that Tab reaches; the arrows move it

const title = (n) => rows[n].querySelector(".title").textContent;
const value = (n, column) => rows[n].cells[column].dataset.value;
const place = dots.map((dot) => {
  const box = dot.getBBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
});

function make(tag, text, parent, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  parent.append(made);
  return made;
}

function gone(n) {
  const { lane, year, words } = rows[n].dataset;
  const sought = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const laneOff = lanes.some((box) => box.value === lane && !box.checked);
  const early = since.value !== "" && (year === "" || Number(year) < Number(since.value));
  return laneOff || early || !sought.every((word) => words.toLowerCase().includes(word));
}

function draw() {
  const hidden = rows.map((_, n) => gone(n));
  const near = new Set([chosen]);
  const dims = picked && chosen !== null && !hidden[chosen];
  links.forEach(([one, two, influential], i) => {
    const lit = dims && (one === chosen || two === chosen) && (influential || !strong.checked);
    if (lit) near.add(one).add(two);
    lines[i].classList.toggle("lit", lit);
    lines[i].classList.toggle("gone", hidden[one] || hidden[two]);
  });
  rows.forEach((row, n) => {
    row.hidden = hidden[n];
    row.classList.toggle("chosen", n === chosen);
    for (const mark of [dots[n], names.get(n)]) {
      if (!mark) continue;
      mark.classList.toggle("gone", hidden[n]);
      mark.classList.toggle("near", near.has(n));
      mark.classList.toggle("chosen", n === chosen);
    }
  });
  chart.classList.toggle("picked", dims);
  chart.classList.toggle("weak-off", strong.checked);
  const count = hidden.filter((each) => !each).length;
  by("shown").textContent = `${count} of ${rows.length} papers`;
  by("all").hidden = count === rows.length && !strong.checked;
}

function tie(list, [one, two, influential, contexts, intents], other) {
  const item = make("li", "", list);
  const button = make("button", "", item);
  button.type = "button";
  make("bdi", title(other), button);
  make("small", ` ${value(other, 1).slice(0, 4)}${intents.length ? `, as ${intents.join("/")}` : ""} `, button);
  if (influential) make("span", "influential", button, "strong-mark");
  button.addEventListener("click", () => choose(other, true));
  for (const text of contexts) make("bdi", text, make("blockquote", "", item));
}

function ties(heading, found, end) {
  const block = detail.querySelector(".ties");
  if (!found.length) return;
  make("h3", `${heading} ${found.length} of these papers`, block);
  const list = make("ul", "", block);
  found.sort((a, b) => b[2] - a[2] || value(b[end], 2) - value(a[end], 2));
  found.slice(0, FEW).forEach((link) => tie(list, link, link[end]));
  if (found.length <= FEW) return;
  const rest = make("button", `show all ${found.length}`, block);
  rest.type = "button";
  rest.addEventListener("click", () => {
    found.slice(FEW).forEach((link) => tie(list, link, link[end]));
    rest.remove();
  });
}

function tell() {
  detail.hidden = chosen === null;
  document.querySelector(".stage").classList.toggle("open", chosen !== null);
  if (chosen === null) return;
  const row = rows[chosen];
  const lane = detail.querySelector(".lane");
  const chip = lanes.find((box) => box.value === row.dataset.lane).parentElement;
  detail.className = row.dataset.lane;
  lane.replaceChildren(row.querySelector(".mark").cloneNode(true));
  make("span", chip.title, lane);
  const close = make("button", "✕", lane);
  close.type = "button";
  close.setAttribute("aria-label", "let go of this paper");
  close.addEventListener("click", () => choose(null));
  detail.querySelector("h2 bdi").textContent = title(chosen);
  detail.querySelector(".more").replaceChildren(...[...row.querySelector(".more").children].map((each) => each.cloneNode(true)));
  detail.querySelector(".ties").replaceChildren();
  const shown = links.filter((link) => link[2] || !strong.checked);
  ties("Cited by", shown.filter((link) => link[1] === chosen), 0);
  ties("Cites", shown.filter((link) => link[0] === chosen), 1);
  detail.scrollTop = 0;
}

function choose(n, focus = false) {
  chosen = n;
  picked = ready;
  if (n !== null) stand(n, focus);
  draw();
  tell();
  if (n !== null && detail.getBoundingClientRect().top > innerHeight - 80) detail.scrollIntoView({ block: "nearest" });
}

function stand(n, focus) {
  dots[here].tabIndex = -1;
  here = n;
  dots[n].tabIndex = 0;
  if (focus) dots[n].focus({ preventScroll: true });
  const room = chart.parentElement; // wider than a phone: bring the mark into view
  const x = (place[n][0] / chart.viewBox.baseVal.width) * chart.clientWidth;
  if (x < room.scrollLeft + 40 || x > room.scrollLeft + room.clientWidth - 40) room.scrollLeft = x - room.clientWidth / 2;
}

// The nearest visible mark in a direction; what lies aside of it counts double.
function step(x, y) {
  let best = null;
  let least = Infinity;
  place.forEach(([atX, atY], n) => {
    const [dx, dy] = [atX - place[here][0], atY - place[here][1]];
    const ahead = dx * x + dy * y;
    const far = ahead + 2 * Math.abs(dx * y + dy * x);
    if (ahead > 0.01 && far < least && !dots[n].classList.contains("gone")) [best, least] = [n, far];
  });
  if (best !== null) stand(best, true);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
dots.forEach((dot, n) => {
  dot.setAttribute("role", "button");
  dot.tabIndex = n === here ? 0 : -1;
  dot.addEventListener("click", () => choose(chosen === n ? null : n));
  dot.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") choose(chosen === n ? null : n);
    else if (ARROWS[event.key]) step(...ARROWS[event.key]);
    else return;
    event.preventDefault();
  });
});
rows.forEach((row, n) => {
  row.querySelector("details").addEventListener("toggle", (event) => event.target.open && choose(n));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen !== null) choose(null);
});

document.querySelectorAll("th[data-sort]").forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending" && column > 0;
    document.querySelectorAll("[aria-sort]").forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (n) => (column === 0 ? title(n).toLowerCase() : column === 1 ? value(n, 1) : Number(value(n, column)));
    const order = rows.map((_, n) => n).sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (down ? -1 : 1));
    rows[0].parentElement.append(...order.map((n) => rows[n]));
  });
});

const redraw = () => {
  draw();
  tell();
};
for (const input of [find, since, strong, ...lanes]) input.addEventListener("input", redraw);
by("all").addEventListener("click", () => {
  document.querySelector(".tools").reset();
  redraw();
});
document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
document.querySelectorAll(".tools, .scripted").forEach((each) => (each.hidden = false));
document.body.classList.add("live");
choose(0);
ready = true;
