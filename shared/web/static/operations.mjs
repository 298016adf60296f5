// Keeps the operations page live. Nothing that the person is reading moves: a panel whose table is open, or that has the
// focus or a selection, waits until they ask for its newer figures, and so does one that would push it down. All of it
// can be paused. Without this script the page is as it was drawn.
const freshness = document.querySelector("[data-freshness]");
const pause = document.querySelector("[data-pause]");
const STALE_AFTER_MS = 10000;
const ASK_AGAIN_AFTER_MS = 30000;
const held = new Map();
let source = null;
let asking = 0;
let heardAt = performance.now();
let saidAt = freshness?.querySelector("time")?.textContent ?? "";
let live = false;
let stopped = false;

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
  if (stopped) return;
  const seconds = Math.round((performance.now() - heardAt) / 1000);
  if (seconds * 1000 >= STALE_AFTER_MS) freshness.textContent = `Stale since ${saidAt}. Trying again.`;
  else if (live) freshness.textContent = `Live, updated ${seconds} s ago`;
}

function heard(event) {
  const said = JSON.parse(event.data);
  heardAt = performance.now();
  saidAt = said.at;
  live = true;
  for (const [id, html] of Object.entries(said.fragments ?? {})) take(id, html);
  tell();
}

function listen() {
  clearTimeout(asking);
  source?.close();
  source = new EventSource(freshness.dataset.stream);
  source.addEventListener("figures", heard);
  source.addEventListener("alive", heard);
  source.addEventListener("over", () => {
    stop(`Stale since ${saidAt}: your session has ended. Refresh to sign in again.`);
    pause.hidden = true;
  });
  source.addEventListener("error", () => {
    // The browser itself reconnects after a lost connection, but not after a refused one.
    if (source.readyState === EventSource.CLOSED && !stopped) asking = setTimeout(listen, ASK_AGAIN_AFTER_MS);
  });
}

function stop(why) {
  stopped = true;
  clearTimeout(asking);
  source.close();
  freshness.textContent = why;
}

function pauseOrGoOn() {
  if (stopped) {
    stopped = false;
    listen();
    tell();
  } else {
    stop(`Paused at ${saidAt}`);
  }
  pause.textContent = stopped ? "Go on" : "Pause";
}

function start() {
  listen();
  pause.hidden = false;
  pause.addEventListener("click", pauseOrGoOn);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted && !stopped) listen();
  });
  for (const panel of document.querySelectorAll("[data-panel]")) {
    panel.querySelector("[data-newer]").addEventListener("click", () => show(panel, true));
    panel.addEventListener("focusout", () => setTimeout(catchUp));
    panel.addEventListener("toggle", catchUp, true);
  }
  setInterval(tell, 1000);
}

if (freshness) start();
