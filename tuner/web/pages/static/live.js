// Keeps a page as it would be on a reload: hears that something has changed, asks for the page again, and
// takes over the parts that differ. Without this script a page is complete and stands still.
const main = document.querySelector("main[data-events]");
const status = document.querySelector("[data-status]");
const LEAST = 1000; // milliseconds between two reloads, and ten times as long as one takes
let wanted = main && main.dataset.version;
let busy = false;

function say(text, state) {
  status.textContent = text;
  status.dataset.state = state;
}

// What a reader has opened, ticked and scrolled stays as it is.
function keep(before, after) {
  for (const details of before.querySelectorAll("details[id]")) {
    const same = after.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  for (const box of before.querySelectorAll("input:checked[id]")) {
    const same = after.querySelector(`#${CSS.escape(box.id)}`);
    if (same) same.checked = true;
  }
}

function replace(part, other) {
  if (part.isEqualNode(other)) return;
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const path = active && active.id ? `#${CSS.escape(active.id)}` : null;
  const label = active && active.getAttribute("aria-label");
  const scrolled = [...part.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  keep(part, other);
  part.replaceChildren(...other.childNodes);
  [...part.querySelectorAll(".scroll")].forEach((each, at) => {
    if (scrolled[at]) [each.scrollLeft, each.scrollTop] = scrolled[at];
  });
  const again = path
    ? part.querySelector(path)
    : label && [...part.querySelectorAll("[aria-label]")].find((each) => each.getAttribute("aria-label") === label);
  if (again) again.focus({ preventScroll: true });
}

async function refresh() {
  if (busy || document.hidden || wanted === main.dataset.version) return;
  busy = true;
  const began = performance.now();
  const target = wanted;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const other = page.getElementById(part.id);
        if (other) replace(part, document.importNode(other, true));
      }
      main.dataset.version = target;
      say("live", "on");
    } else {
      say("the server cannot answer now", "off");
    }
  } catch {
    say("no connection; trying again", "off");
  }
  setTimeout(() => {
    busy = false;
    refresh();
  }, Math.max(LEAST, 10 * (performance.now() - began)));
}

if (main && window.EventSource) {
  const events = new EventSource(main.dataset.events);
  events.addEventListener("open", () => say("live", "on"));
  events.addEventListener("change", (event) => {
    wanted = event.data;
    say("live", "on");
    refresh();
  });
  events.addEventListener("away", () => say("the database is away; trying again", "off"));
  events.addEventListener("gone", () => {
    say("the study is gone", "off");
    events.close();
  });
  events.addEventListener("error", () => say("no connection; trying again", "off"));
  document.addEventListener("visibilitychange", refresh);
  addEventListener("pagehide", () => events.close());
}
