"use strict";
const { links } = JSON.parse(document.getElementById("data").textContent);
const dots = [...document.querySelectorAll("circle.dot")];
const lines = [...document.querySelectorAll("line.link")];
const rows = [...document.querySelectorAll("tbody tr")];
const find = document.getElementById("find");
const lane = document.getElementById("lane");
const detail = document.getElementById("detail");
let chosen = null;

const title = (n) => rows[n].querySelector("bdi").textContent;

function hidden(n) {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = rows[n].dataset.words.toLowerCase();
  return !words.every((word) => text.includes(word)) || (lane.value !== "" && rows[n].dataset.lane !== lane.value);
}

function draw() {
  const near = new Set([chosen]);
  links.forEach(([one, two], i) => {
    const lit = chosen !== null && (one === chosen || two === chosen);
    if (lit) near.add(one).add(two);
    lines[i].classList.toggle("lit", lit);
  });
  let count = 0;
  dots.forEach((dot, n) => {
    const gone = hidden(n);
    rows[n].hidden = gone;
    count += gone ? 0 : 1;
    dot.classList.toggle("dim", gone || (chosen !== null && !near.has(n)));
    dot.classList.toggle("chosen", n === chosen);
  });
  document.getElementById("shown").textContent = `${count} of ${dots.length} papers`;
}

function tell() {
  detail.hidden = chosen === null;
  if (chosen === null) return;
  const cells = [...rows[chosen].querySelectorAll("td")].map((cell) => cell.textContent);
  detail.querySelector("h2").textContent = title(chosen);
  detail.querySelector(".facts").textContent = `${cells[0]}, ${cells[1]} citations, ${cells[2]} of them here`;
  const list = detail.querySelector("ul");
  list.replaceChildren();
  for (const [one, two, strong, contexts] of links) {
    if (one !== chosen && two !== chosen) continue;
    const item = document.createElement("li");
    const said = one === chosen ? `cites ${title(two)}` : `is cited by ${title(one)}`;
    item.textContent = said + (strong ? " (influential)" : "") + contexts.map((text) => ` – “${text}”`).join("");
    list.append(item);
  }
}

function choose(n) {
  chosen = chosen === n ? null : n;
  draw();
  tell();
}

dots.forEach((dot, n) => {
  dot.addEventListener("click", () => choose(n));
  dot.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(n);
    }
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen !== null) choose(chosen);
});
find.addEventListener("input", draw);
lane.addEventListener("change", draw);
document.querySelector(".tools").hidden = false;
draw();
