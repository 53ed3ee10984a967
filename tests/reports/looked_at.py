"""What the tests in a browser ask of a page, in its own language."""

PIXELS = """canvases => canvases.map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 3; i < data.length; i += 4) sum = (sum * 31 + data[i]) % 2147483647;
  return sum;
})"""
"""A number per canvas that tells one drawing from another, in whatever colour."""

CONTRASTS = """() => {
  const channel = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const under = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length === 3) return colour;
    }
  };
  const worst = {};
  for (const one of document.querySelectorAll("body *")) {
    const written = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!written || one.closest("script")) continue;
    const style = getComputedStyle(one);
    const [a, b] = [parts(one.closest("svg") ? style.fill : style.color), under(one)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = one.localName + "." + (one.getAttribute("class") ?? "") + " " + one.textContent.slice(0, 30);
    if (ratio < 4.5) worst[name] = ratio;
  }
  return worst;
}"""
"""Elements with text of their own whose colour is too near to what is under them, by WCAG 2."""

UNNAMED = """() => {
  const NAMES = ["aria-label", "aria-labelledby", "alt"];
  const named = (one) =>
    NAMES.some((name) => one.getAttribute(name)?.trim()) || one.closest("[role=img][aria-label]") !== null;
  const bad = [...document.querySelectorAll("img, svg, canvas")].filter((one) => !named(one));
  bad.push(...[...document.querySelectorAll("table")].filter((one) => !one.caption && !named(one)));
  bad.push(...[...document.querySelectorAll("button, a, summary")].filter((one) => !one.textContent.trim()));
  bad.push(...[...document.querySelectorAll("nav, section, [role=group]")].filter((one) => !named(one)));
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  bad.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => ({ outerHTML: id })));
  for (const one of document.querySelectorAll("[aria-labelledby]")) {
    if (!document.getElementById(one.getAttribute("aria-labelledby"))) bad.push(one);
  }
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((one) => Number(one.localName[1]));
  const skips = levels.some((level, place) => place && level > levels[place - 1] + 1);
  if (skips) bad.push({ outerHTML: `${levels}` });
  return bad.map((one) => one.outerHTML.slice(0, 120));
}"""
"""What has no name for those who do not see it, or names what is not there."""
