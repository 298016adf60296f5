// Keeps the operations page live. Nothing that somebody reads is moved: a panel whose table is open, or that has the
// focus or a selection, waits until they ask for its newer figures, and so does one that would push it down. Without
// this script the page is as it was drawn.
const freshness = document.querySelector("[data-freshness]");
const STALE_AFTER_MS = 10000;
const held = new Map();
let heardAt = 0;
let saidAt = "";
let over = false;

function isRead(panel) {
  if (panel.querySelector("details[open]") || panel.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(panel, true));
}

function put(place, html) {
  const drawn = document.createElement("template");
  drawn.innerHTML = html;
  place.replaceChildren(drawn.content);
}

function wouldMoveWhatIsRead(panel) {
  const panels = [...document.querySelectorAll("[data-panel]")];
  return panels.slice(panels.indexOf(panel) + 1).some(isRead);
}

function show(panel, asked = false) {
  const html = held.get(panel);
  if (html === undefined) return;
  const inside = panel.querySelector("[data-inside]");
  const newer = panel.querySelector("[data-newer]");
  const [height, drawn] = [panel.offsetHeight, [...inside.childNodes]];
  const open = panel.querySelector("details[open]") !== null;
  put(inside, html);
  const details = panel.querySelector("details");
  if (details && open) details.open = true;
  if (!asked && panel.offsetHeight !== height && wouldMoveWhatIsRead(panel)) {
    inside.replaceChildren(...drawn);
    newer.hidden = false;
    return;
  }
  held.delete(panel);
  newer.hidden = true;
}

function catchUp() {
  for (const panel of [...held.keys()]) if (!isRead(panel)) show(panel);
}

function take(id, html) {
  if (id === "top") {
    put(document.querySelector("[data-top]"), html);
    return;
  }
  const panel = document.querySelector(`[data-panel="${CSS.escape(id)}"]`);
  if (!panel) return;
  held.set(panel, html);
  if (isRead(panel)) panel.querySelector("[data-newer]").hidden = false;
  else show(panel);
}

function tell() {
  if (over) return;
  const seconds = Math.round((performance.now() - heardAt) / 1000);
  const live = heardAt && seconds * 1000 < STALE_AFTER_MS;
  if (live) freshness.textContent = `Live, updated ${seconds} s ago`;
  else if (heardAt) freshness.textContent = `Stale since ${saidAt}. Trying again.`;
}

function heard(event) {
  const said = JSON.parse(event.data);
  heardAt = performance.now();
  saidAt = said.at;
  for (const [id, html] of Object.entries(said.fragments ?? {})) take(id, html);
  tell();
}

function start() {
  const source = new EventSource(freshness.dataset.stream);
  source.addEventListener("figures", heard);
  source.addEventListener("alive", heard);
  source.addEventListener("over", () => {
    over = true;
    source.close();
    freshness.textContent = `Stale since ${saidAt}: your session has ended. Refresh to sign in again.`;
  });
  addEventListener("pagehide", () => source.close());
  for (const panel of document.querySelectorAll("[data-panel]")) {
    panel.querySelector("[data-newer]").addEventListener("click", () => show(panel, true));
    panel.addEventListener("focusout", () => setTimeout(catchUp));
    panel.addEventListener("toggle", catchUp, true);
  }
  setInterval(tell, 1000);
}

if (freshness) start();
