// Starts the design systems' components. Every page works without it.
import { initAll } from "/assets/govuk/govuk-frontend.min.js";

initAll();
if (document.body.dataset.casework !== undefined) {
  const casework = await import("/assets/moj/moj-frontend.min.js");
  casework.initAll();
}

// What belongs to a radio button is shown while the button is chosen.
for (const radio of document.querySelectorAll("[data-reveals]")) {
  const part = document.getElementById(radio.dataset.reveals);
  const show = () => { part.classList.toggle("govuk-radios__conditional--hidden", !radio.checked); };
  for (const one of document.getElementsByName(radio.name)) one.addEventListener("change", show);
  addEventListener("pageshow", show);
}

// What belongs to an option of a list, or to several options, is below them all: it is hidden until one of those is chosen.
for (const part of document.querySelectorAll("[data-revealed-by]")) {
  const inputs = [...document.getElementsByName(part.dataset.revealedBy)];
  const values = part.dataset.revealedValues.split(" ");
  const chosen = (input) => input.matches("select, :checked") && values.includes(input.value);
  const show = () => { part.hidden = !inputs.some(chosen); };
  for (const input of inputs) input.addEventListener("change", show);
  addEventListener("pageshow", show);
  show();
}

// An address that names a folded part opens it, as from a link to one clause of the policy.
const named = () => {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part instanceof HTMLDetailsElement) { part.open = true; part.scrollIntoView(); }
};
addEventListener("hashchange", named);
named();
