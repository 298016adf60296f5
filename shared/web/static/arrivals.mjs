// Shows how many cases came to the queue since the page was loaded. Never moves the page: the person asks to see them.
const EVERY_MS = 5000;
const place = document.querySelector("[data-arrivals]");

async function look() {
  if (document.hidden) return;
  const answer = await fetch(place.dataset.arrivals, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { new: count } = await answer.json();
  if (count) announce(count);
}

function announce(count) {
  const words = `${count} new`;
  if (place.dataset.words === words) return;
  place.dataset.words = words;
  const link = document.createElement("a");
  link.className = "govuk-link govuk-link--no-visited-state";
  link.href = place.dataset.show;
  link.textContent = `${words}, show`;
  place.replaceChildren(link);
}

if (place) setInterval(() => look().catch(() => undefined), EVERY_MS);
