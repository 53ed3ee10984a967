// What a page can do beyond being read: tables that sort, queries that copy themselves, light and dark.
"use strict";

(() => {
  const MISSING = "–";

  // A number by its value, whatever is written; text by its letters; what is missing by nothing.
  const keyOf = (cell) => {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const written = cell.textContent.trim();
    return written === MISSING || written === "" ? null : written;
  };

  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, undefined, { numeric: true });
  };

  // Stable, and missing values last in either direction.
  const sortBy = (table, column, direction) => {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => ({ row, key: keyOf(row.cells[column]) }));
    rows.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return direction * compare(a.key, b.key);
    });
    body.append(...rows.map(({ row }) => row));
  };

  const makeSortable = (table) => {
    if (!table.tHead || !table.tBodies[0] || table.tBodies[0].rows.length < 2) return;
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sortBy(table, column, up ? 1 : -1);
      });
    });
  };

  const selectAll = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  // The clipboard where the browser gives it to a file; or the old way; or at least selected, to be copied by hand.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return "Copied";
    } catch {
      selectAll(code);
      return document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
    }
  };

  const makeCopyable = (button) => {
    const code = button.parentElement.querySelector("code");
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      button.textContent = await copy(code);
      window.setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  };

  const makeThemed = (button) => {
    const root = document.documentElement;
    const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
    const say = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Change to light" : "Change to dark");
      document.dispatchEvent(new Event("themechange")); // what is drawn on a canvas has no colours of the page
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      say();
    });
    prefersDark.addEventListener("change", say);
    say();
  };

  // What is wider than its place fades at the side where there is more, and is scrolled by keys as well.
  const makeScrollable = (frame) => {
    const look = () => {
      const beyond = frame.scrollWidth - frame.clientWidth;
      frame.classList.toggle("clipped-left", frame.scrollLeft > 1);
      frame.classList.toggle("clipped-right", frame.scrollLeft < beyond - 1);
      if (beyond > 1) frame.tabIndex = 0;
      else frame.removeAttribute("tabindex");
    };
    const table = frame.querySelector(":scope > table");
    if (table) {
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", table.caption?.textContent || table.getAttribute("aria-label") || "Table");
    }
    frame.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(frame);
  };

  const dress = (root) => {
    root.querySelectorAll(".scroll, figure.themed > div").forEach(makeScrollable);
    root.querySelectorAll(".scroll table").forEach((table) => {
      if (!table.closest(".facts")) makeSortable(table);
    });
    root.querySelectorAll("button.copy").forEach(makeCopyable);
  };

  dress(document);
  document.addEventListener("added", (event) => dress(event.target)); // what came after the page
  const theme = document.getElementById("theme");
  if (theme) makeThemed(theme);
})();
