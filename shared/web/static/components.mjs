// Starts the design systems' components. Every page works without it.
import { initAll } from "/assets/govuk/govuk-frontend.min.js";

initAll();
if (document.body.dataset.casework !== undefined) {
  const casework = await import("/assets/moj/moj-frontend.min.js");
  casework.initAll();
}

// A list has no options that could reveal a field, as radios have: what belongs to one option is hidden until it is chosen.
for (const part of document.querySelectorAll("[data-revealed-by]")) {
  const list = document.getElementById(part.dataset.revealedBy);
  const show = () => { part.hidden = list.value !== part.dataset.revealedValue; };
  list.addEventListener("change", show);
  show();
}
