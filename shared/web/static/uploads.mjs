// Sends files as soon as they are chosen, each with its progress, and goes on where a connection was cut (tus 1.0).
// Nothing about a file stays in the browser: after the page is left, only the form's own draft knows of it. Without this
// script the page has a plain file field, which sends the files with the form. On a case, one file goes with a grant, when
// its form is sent (`data-back`: the page that comes after).
import "/assets/tus/tus.min.js";

const PART = 4 * 1024 * 1024;
const WAITS_MS = [0, 1000, 3000, 5000, 10000];
const UNITS = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

function inWords(bytes) {
  const [unit, name] = UNITS.find(([size]) => bytes >= size) ?? [1, "bytes"];
  return `${(bytes / unit).toFixed(1).replace(/\.0$/, "")} ${name}`;
}

function element(kind, className, text = "") {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = text;
  return made;
}

function button(text, name, press) {
  const made = element("button", "govuk-button govuk-button--secondary signpost-file__button", text);
  made.type = "button";
  made.append(element("span", "govuk-visually-hidden", ` ${name}`));
  made.addEventListener("click", press);
  return made;
}

// What the server says is wrong, in its own words; otherwise what to do.
function whyNot(error) {
  try {
    const { detail, title } = JSON.parse(error.originalResponse.getBody());
    return detail ?? title;
  } catch {
    return "The connection was cut. Try again.";
  }
}

class Sending {
  constructor(area, file, link) {
    this.area = area;
    this.file = file;
    this.ready = link ? `Ready to send, of link ${Number(link) + 1}` : "Ready to send";
    this.row = element("li", "signpost-file");
    this.state = element("span", "signpost-file__state");
    this.bar = element("progress", "signpost-file__progress");
    this.bar.max = file.size || 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `${file.name}, how much has been sent`);
    this.buttons = element("span", "signpost-file__buttons");
    this.row.append(element("span", "signpost-file__name", file.name), " ", element("span", "signpost-file__size", inWords(file.size)), this.bar, this.state, this.buttons);
    area.list.append(this.row);
    this.upload = new tus.Upload(file, {
      endpoint: area.dataset.endpoint,
      chunkSize: PART,
      retryDelays: WAITS_MS,
      storeFingerprintForResuming: false,
      headers: area.token ? { "x-csrftoken": area.token } : {},
      metadata: { ...area.allowed(), filename: file.name, ...(link ? { link } : {}) },
      onProgress: (sent, all) => { this.progress(sent, all); },
      onSuccess: () => { this.arrived(); },
      onError: (error) => { this.failed(whyNot(error), error.originalResponse?.getStatus()); },
    });
    this.start();
  }

  start() {
    this.status = "sending";
    this.bar.hidden = false;
    this.row.classList.remove("signpost-file--failed");
    this.buttons.replaceChildren(button("Cancel", this.file.name, () => { this.remove(); }));
    this.area.say(`${this.file.name} is being sent`);
    this.upload.start();
  }

  progress(sent, all) {
    this.bar.value = sent;
    this.state.textContent = `${Math.floor((100 * sent) / (all || 1))} %`;
  }

  arrived() {
    this.status = "arrived";
    this.bar.hidden = true;
    this.state.textContent = this.ready;
    this.held = element("input", "");
    this.held.type = "hidden";
    this.held.name = "upload";
    this.held.value = this.upload.url.split("/").at(-1);
    this.row.append(this.held);
    this.buttons.replaceChildren(button("Remove", this.file.name, () => { this.remove(); }));
    this.area.say(`${this.file.name} ${this.area.done}`);
    this.area.settled();
  }

  failed(why, status) {
    this.status = "failed";
    this.bar.hidden = true;
    this.row.classList.add("signpost-file--failed");
    this.state.textContent = why;
    const again = button("Try again", this.file.name, () => { this.start(); });
    const refused = status >= 400 && status < 500 && status !== 409 && status !== 429;
    this.buttons.replaceChildren(...(refused ? [] : [again]), button("Remove", this.file.name, () => { this.remove(); }));
    this.area.say(`${this.file.name} was not sent. ${why}`);
    this.area.settled();
  }

  // The server has let go of it when the promise that this returns is kept.
  remove() {
    const terminate = Boolean(this.upload.url);
    this.area.sendings.delete(this);
    this.row.remove();
    this.area.say(`${this.file.name} was removed`);
    this.area.input.focus();
    this.area.settled();
    return this.upload.abort(terminate).catch(() => undefined);
  }
}

class Area {
  done = "is ready to send";

  constructor(place) {
    this.dataset = place.dataset;
    this.form = place.closest("form");
    this.list = place.querySelector("[data-files]");
    this.status = place.querySelector("[data-status]");
    this.input = place.querySelector("input[type=file]");
    this.token = this.form.elements.namedItem("csrftoken")?.value;
    this.sendings = new Set();
    this.waiting = null;
    for (const input of place.querySelectorAll("input[type=file]")) this.take(input);
    for (const plain of place.querySelectorAll("[data-without-script]")) plain.hidden = true;
    this.form.enctype = "application/x-www-form-urlencoded"; // no file goes with the form
    this.form.addEventListener("submit", (event) => { this.submitted(event); });
  }

  take(input) {
    input.addEventListener("change", () => {
      for (const file of input.files) this.sendings.add(new Sending(this, file, input.dataset.link));
      input.value = "";
    });
  }

  // What lets a file be sent, as the metadata of its upload.
  allowed() {
    return { ticket: this.dataset.ticket };
  }

  say(words) {
    this.status.textContent = words;
  }

  are(status) {
    return [...this.sendings].filter((one) => one.status === status);
  }

  // The form goes on when every file has arrived; a file that did not is shown first.
  submitted(event) {
    const [failed] = this.are("failed");
    if (this.are("sending").length) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.waiting = event.submitter;
      this.say("Your files are still being sent. We go on when they have arrived.");
      this.status.classList.remove("govuk-visually-hidden");
    } else if (failed) {
      event.preventDefault();
      event.stopImmediatePropagation();
      failed.buttons.querySelector("button").focus();
      this.say(`${failed.file.name} was not sent. Try again, or remove it.`);
    }
  }

  settled() {
    if (!this.waiting || this.are("sending").length) return;
    const pressed = this.waiting;
    this.waiting = null;
    this.status.classList.add("govuk-visually-hidden");
    this.form.requestSubmit(pressed);
  }
}

// The one file that a grant allows: it is sent with the note beside it, and the page of the case comes after.
class CaseArea extends Area {
  done = "was added";

  take() {}

  allowed() {
    const grant = this.form.getAttribute("action").split("/").at(-1);
    return { grant, note: this.form.elements.namedItem("note").value };
  }

  async submitted(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const [file] = this.input.files;
    this.status.classList.toggle("govuk-visually-hidden", Boolean(file));
    if (!file) {
      this.say("Choose a file");
      this.input.focus();
    } else if (!this.starting && !this.are("sending").length) {
      this.starting = true;
      await Promise.all([...this.sendings].map((one) => one.remove())); // the grant allows one
      this.sendings.add(new Sending(this, file));
      this.starting = false;
    }
  }

  settled() {
    if (this.are("arrived").length) location.assign(this.dataset.back);
  }
}

for (const place of document.querySelectorAll("[data-uploads]")) new (place.dataset.back ? CaseArea : Area)(place);
