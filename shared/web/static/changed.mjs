// Says that the case changed since the page was loaded. Never moves the page: its line is there from the start. While
// something is typed and not sent, the case as it is opens in a new tab, so that nothing is lost.
const EVERY_MS = 5000;
const place = document.querySelector("[data-changed]");

async function look() {
  if (document.hidden) return;
  const answer = await fetch(place.dataset.changed, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { said } = await answer.json();
  if (said && said !== place.dataset.said) announce(said);
}

function typed() {
  return [...document.querySelectorAll("main textarea:not([readonly])")].some((field) => field.value.trim());
}

// Says where the link leads, again only once that is another place.
function lead(link) {
  const target = typed() ? "_blank" : "";
  if (link.textContent && link.target === target) return;
  link.target = target;
  link.textContent = `show the case as it is${target ? " (opens in a new tab)" : ""}`;
}

function announce(said) {
  place.dataset.said = said;
  const link = document.createElement("a");
  link.className = "govuk-link govuk-link--no-visited-state";
  link.href = place.dataset.show;
  lead(link);
  place.replaceChildren(`${said}: `, link);
}

document.addEventListener("input", () => {
  const link = place?.querySelector("a");
  if (link) lead(link);
});
if (place) setInterval(() => look().catch(() => undefined), EVERY_MS);
