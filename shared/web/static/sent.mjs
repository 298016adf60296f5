// Shows what became of the files of a report that is sent, for as long as they are being added. Without this script the
// page has a link to look again.
const WAITS_MS = [1000, 2000, 3000, 5000];
const MOST_LOOKS = 120;
const place = document.querySelector("[data-sent-files]");
const status = document.querySelector("[data-sent-status]");

// Whether there is more to come.
async function look() {
  const answer = await fetch(location.pathname);
  if (!answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector("[data-sent-files]");
  if (!now) return false;
  if (now.textContent !== place.textContent) show(now);
  return "adding" in now.dataset;
}

function show(now) {
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...now.childNodes);
  if (hadFocus) place.focus();
  status.textContent = now.dataset.words;
}

function lookLater(count) {
  if (count === MOST_LOOKS) return;
  setTimeout(async () => {
    if (document.hidden || await look().catch(() => true)) lookLater(count + 1);
  }, WAITS_MS[Math.min(count, WAITS_MS.length - 1)]);
}

if (place && "adding" in place.dataset) lookLater(0);
