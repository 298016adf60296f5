// Says that the case changed since the page was loaded. Never moves the page: its line is there from the start.
const EVERY_MS = 5000;
const place = document.querySelector("[data-changed]");

async function look() {
  if (document.hidden) return;
  const answer = await fetch(place.dataset.changed, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { said } = await answer.json();
  if (said && said !== place.dataset.said) announce(said);
}

function announce(said) {
  place.dataset.said = said;
  const link = document.createElement("a");
  link.className = "govuk-link govuk-link--no-visited-state";
  link.href = place.dataset.show;
  link.textContent = "show the case as it is";
  place.replaceChildren(`${said}: `, link);
}

if (place) setInterval(() => look().catch(() => undefined), EVERY_MS);
