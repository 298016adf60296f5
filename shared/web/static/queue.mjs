// Says how many cases of a list are chosen, lets one choose all of the page, and folds the views where there is no room.
// Boxes and views work without it.
const bar = document.getElementById("chosen");
const boxes = [...document.querySelectorAll("[form=chosen][name=case]")];
const all = document.querySelector("[data-choose-all]");

const number = document.createElement("p");
number.className = "govuk-body signpost-bulk__number";
number.setAttribute("role", "status");

function say() {
  const chosen = boxes.filter((box) => box.checked).length;
  number.textContent = chosen ? `${chosen} chosen` : "";
  if (all) all.querySelector("input").checked = chosen === boxes.length;
}

if (bar) {
  bar.prepend(number);
  if (all) all.hidden = false;
  all?.addEventListener("change", ({ target }) => {
    for (const box of boxes) box.checked = target.checked;
    say();
  });
  for (const box of boxes) box.addEventListener("change", say);
  addEventListener("pageshow", say);
}

const views = document.querySelector("[data-folds]");
const beside = matchMedia("(min-width: 75em)");
const fold = () => { views.open = beside.matches; };
if (views) {
  beside.addEventListener("change", fold);
  fold();
}
