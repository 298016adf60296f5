// Starts the design systems' components. Every page works without it.
import { initAll } from "/assets/govuk/govuk-frontend.min.js";

initAll();
if (document.body.dataset.casework !== undefined) {
  const casework = await import("/assets/moj/moj-frontend.min.js");
  casework.initAll();
}
