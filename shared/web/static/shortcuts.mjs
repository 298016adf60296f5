// Keys for what a page's controls do. A control says its own key (`data-key`); each works without them, by Tab or pointer.
const STORED = "signpost-shortcuts";
const MOVES = { j: 1, k: -1 };
const WRITTEN_IN = "textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])";
const FIELDS = "input:not([type=hidden]), select, textarea";
const help = document.getElementById("shortcuts");
const opener = document.querySelector("[data-shortcuts]");
const choice = help.querySelector("[name=shortcuts]");
let before = "";

function row() {
  return document.activeElement.closest("[data-row]") ?? document.querySelector("[data-row]:has(:target)");
}

// In the row that one is at, if the key is of rows; otherwise the first that is seen, or else is in a folded part.
function control(key) {
  const some = [...document.querySelectorAll(`[data-key="${key}"]`)];
  const here = row();
  const those = some.filter((one) => !one.closest("[data-row]") || one.closest("[data-row]") === here);
  return those.find((one) => one.checkVisibility()) ?? those[0];
}

function move(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const next = rows[Math.min(Math.max(rows.indexOf(row()) + by, 0), rows.length - 1)];
  next?.querySelector("[data-key=o]").focus();
}

// What is folded is opened first, also what that is folded in. A field is gone to, also a choice that a form still lacks;
// anything else is pressed.
function use(one) {
  const inside = one.closest("details:not([open])");
  const lacking = [...(one.form?.querySelectorAll("select") ?? [])].find((choice) => !choice.value);
  for (let folded = inside; folded; folded = folded.closest("details:not([open])")) folded.open = true;
  if (one.matches(WRITTEN_IN)) one.focus();
  else if (inside || lacking) (lacking ?? one.form?.querySelector(FIELDS) ?? one).focus();
  else one.click();
}

// Whether a key is no shortcut of ours: one of the browser's, or a letter that someone writes.
function others(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return true;
  return !choice.checked || event.target.closest(WRITTEN_IN) || event.target.isContentEditable;
}

// What is done in between ends a combination, so that a `q` after some writing does not leave the page. Time does not:
// some people are slow with keys.
function ended() {
  before = "";
}

function pressed(event) {
  if (others(event)) return ended();
  if (event.repeat && !(event.key in MOVES)) return;
  const asked = [`${before} ${event.key}`, event.key].find((keys) => /^[a-z/]( [a-z])?$/.test(keys) && control(keys));
  before = event.key;
  if (event.key === "?") help.open ? help.close() : help.showModal();
  else if (help.open) return;
  else if (event.key in MOVES) move(MOVES[event.key]);
  else if (asked) use(control(asked));
  else return;
  event.preventDefault();
}

// A person may keep the browser from storing anything: then shortcuts are on until the page is left.
function stored(write) {
  try {
    if (write) localStorage.setItem(STORED, write);
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

choice.checked = stored() !== "off";
choice.addEventListener("change", () => stored(choice.checked ? "on" : "off"));
opener.hidden = false;
opener.addEventListener("click", () => help.showModal());
document.addEventListener("keydown", pressed);
document.addEventListener("pointerdown", ended);
