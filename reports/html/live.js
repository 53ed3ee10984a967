// The live page: hears that something has changed, asks for it, and puts it in its place.
"use strict";

(() => {
  const state = document.getElementById("state");
  const progress = document.getElementById("progress");
  const report = document.getElementById("report");
  const query = window.location.search;
  const held = new Map(); // digest of each part of the report that is shown, by its name

  const clock = () => new Date().toLocaleTimeString();
  const say = (words) => { if (state.textContent !== words) state.textContent = words; };

  // What a reader has opened, sorted or chosen in a part stays so when the part is replaced.
  const remember = (part) => ({
    open: Array.from(part.querySelectorAll("details"), (one) => one.open),
    sorted: Array.from(part.querySelectorAll("table"), (table) => {
      const heads = Array.from(table.tHead?.rows[0].cells ?? []);
      const column = heads.findIndex((head) => head.hasAttribute("aria-sort"));
      return { column, direction: heads[column]?.getAttribute("aria-sort") };
    }),
    scrolled: Array.from(part.querySelectorAll(".scroll"), (one) => one.scrollLeft),
  });

  const restore = (part, kept) => {
    part.querySelectorAll("details").forEach((one, i) => { one.open = kept.open[i] ?? one.open; });
    part.querySelectorAll("table").forEach((table, i) => {
      const { column, direction } = kept.sorted[i] ?? { column: -1 };
      const button = table.tHead?.rows[0].cells[column]?.querySelector("button");
      if (!button) return;
      button.click();
      if (direction === "descending") button.click();
    });
    part.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = kept.scrolled[i] ?? 0; });
  };

  const fill = (part, html) => {
    const kept = remember(part);
    const focused = part.contains(document.activeElement);
    part.innerHTML = html;
    part.dispatchEvent(new Event("added", { bubbles: true }));
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
    if (html !== undefined) fill(progress, html);
  });

  const showReport = one(async () => {
    say(held.size ? `${state.textContent.replace(/ Reading…$/, "")} Reading…` : "Reading…");
    const have = Array.from(held.values()).join(".");
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
      if (html !== undefined) fill(part, html);
      held.set(name, digest);
      before = part;
    });
    Array.from(held.keys()).forEach((name) => { if (!names.includes(name)) held.delete(name); });
    document.title = answer.title;
    say(`${answer.said} Looked at ${clock()}.`);
  });

  const listen = () => {
    const events = new EventSource("events");
    events.addEventListener("progress", showProgress);
    events.addEventListener("results", showReport);
    events.addEventListener("error", () => {
      say(`Not connected since ${clock()}: \`orch serve\` has ended or cannot be reached. What is below was true then.`);
    });
  };

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
      fill(rows, answer.html);
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

  // Choosing is asking.
  report.addEventListener("change", (event) => {
    if (event.target.form?.id === "question") event.target.form.requestSubmit();
  });

  listen();
})();
