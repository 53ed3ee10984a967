// The live page: hears that something has changed, asks for it, and puts it in its place.
"use strict";

(() => {
  const state = document.getElementById("state");
  const progress = document.getElementById("progress");
  const report = document.getElementById("report");
  const query = window.location.search;
  const held = new Map(); // digest of each part of the report that is shown, by its name
  let lost = false; // whether the server was heard of last time

  const clock = () => new Date().toLocaleTimeString("en-GB"); // as the server writes it
  const say = (words) => { if (state.textContent !== words) state.textContent = words; };

  // What a reader has opened, sorted or scrolled stays so when it is replaced: known by its name, not its place.
  const nameOf = (one) =>
    one.querySelector("summary, caption")?.textContent.replace(/[\d,]+ rows/, "rows") ??
    one.getAttribute("aria-label") ?? one.parentElement?.getAttribute("aria-label") ?? "";

  const named = (part, selector) => {
    const found = new Map();
    part.querySelectorAll(selector).forEach((one) => {
      const before = one.closest("details")?.parentElement?.closest("details");
      let name = `${before ? nameOf(before) : ""} ${nameOf(one)}`;
      while (found.has(name)) name += "'";
      found.set(name, one);
    });
    return found;
  };

  const sortedBy = (table) => {
    const head = table.querySelector("th[aria-sort]");
    return head && { name: head.textContent, direction: head.getAttribute("aria-sort") };
  };

  const remember = (part) => ({
    open: new Map(Array.from(named(part, "details"), ([name, one]) => [name, one.open])),
    sorted: new Map(Array.from(named(part, "table"), ([name, one]) => [name, sortedBy(one)])),
    scrolled: new Map(Array.from(named(part, ".scroll"), ([name, one]) => [name, one.scrollLeft])),
  });

  const restore = (part, kept) => {
    named(part, "details").forEach((one, name) => { one.open = kept.open.get(name) ?? one.open; });
    named(part, "table").forEach((table, name) => {
      const by = kept.sorted.get(name);
      const head = by && Array.from(table.querySelectorAll("th")).find((other) => other.textContent === by.name);
      const button = head?.querySelector("button");
      if (!button) return;
      button.click();
      if (by.direction === "descending") button.click();
    });
    named(part, ".scroll").forEach((one, name) => { one.scrollLeft = kept.scrolled.get(name) ?? 0; });
  };

  const put = (part, html) => {
    part.dispatchEvent(new Event("removed", { bubbles: true }));
    part.innerHTML = html;
    part.dispatchEvent(new Event("added", { bubbles: true }));
  };

  const replace = (part, html) => {
    const kept = remember(part);
    const focused = part.contains(document.activeElement);
    put(part, html);
    restore(part, kept);
    if (focused) {
      part.tabIndex = -1;
      part.focus({ preventScroll: true });
    }
  };

  const ask = async (where, options) => {
    const response = await fetch(where, { headers: { Accept: "application/json" }, ...options });
    const type = response.headers.get("content-type") ?? "";
    if (!type.includes("json")) throw new Error(await response.text());
    return response.json();
  };

  // One question at a time of each kind; what changed meanwhile is asked for when the answer is there.
  const one = (work) => {
    let busy = false;
    let again = false;
    return async () => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      do {
        again = false;
        try {
          await work();
        } catch (error) {
          say(`No answer: ${error.message}`);
        }
      } while (again);
      busy = false;
    };
  };

  const showProgress = one(async () => {
    const { html } = await ask(`progress${query}`);
    replace(progress, html);
  });

  const showReport = one(async () => {
    say(held.size ? `${state.textContent.replace(/ Reading…$/, "")} Reading…` : "Reading…");
    const have = encodeURIComponent(Array.from(held, (pair) => pair.join(":")).join(","));
    const answer = await ask(`report${query}${query ? "&" : "?"}have=${have}`);
    const names = answer.parts.map((part) => part.name);
    Array.from(report.children).forEach((part) => {
      if (!names.includes(part.dataset.name)) part.remove();
    });
    let before = null;
    answer.parts.forEach(({ name, digest, html }) => {
      let part = Array.from(report.children).find((other) => other.dataset.name === name);
      if (!part) {
        part = document.createElement("div");
        part.className = "part";
        part.dataset.name = name;
      }
      if (part.previousElementSibling !== before || part.parentElement !== report) {
        if (before) before.after(part);
        else report.prepend(part);
      }
      if (html !== null) replace(part, html);
      held.set(name, digest);
      before = part;
    });
    Array.from(held.keys()).forEach((name) => { if (!names.includes(name)) held.delete(name); });
    document.title = answer.title;
    say(`${answer.said} Looked at ${clock()}.`);
  });

  // A page that nobody looks at asks for nothing, and holds no connection: browsers have few for one server.
  let events = null;
  const listen = () => {
    if (document.hidden) {
      events?.close();
      events = null;
      return;
    }
    if (events) return;
    events = new EventSource("events");
    events.addEventListener("progress", showProgress);
    events.addEventListener("results", showReport);
    events.addEventListener("open", () => { lost = false; });
    events.addEventListener("error", () => {
      if (lost) return;
      lost = true;
      say(`Not connected since ${clock()}: \`orch serve\` has ended or cannot be reached. What is below was true then.`);
    });
  };
  document.addEventListener("visibilitychange", listen);

  const form = document.getElementById("sql");
  const rows = document.getElementById("rows");
  const area = form.elements.query;
  const run = async () => {
    rows.setAttribute("aria-busy", "true");
    try {
      const answer = await ask("sql", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ query: area.value }),
      });
      put(rows, answer.html);
    } catch (error) {
      rows.textContent = `No answer: ${error.message}`;
    }
    rows.removeAttribute("aria-busy");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  });

  listen();
})();
