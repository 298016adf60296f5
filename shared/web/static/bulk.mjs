// Shows how far a bulk action is, and shows what came of it once it has ended.
const EVERY_MS = 1000;

async function look() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("bar");
  if (!now) return location.reload();
  document.getElementById("bar").value = now.value;
  document.querySelector("label[for=bar]").textContent = page.querySelector("label[for=bar]").textContent;
}

setInterval(() => look().catch(() => undefined), EVERY_MS);
