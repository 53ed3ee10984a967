// Trajectories in three dimensions, one canvas each, turned together by mouse, finger or arrow keys.
"use strict";

(() => {
  const STEP = Math.PI / 36; // of an arrow key: 5 degrees
  const NEAREST = 0.5;
  const FARTHEST = 4;
  const LAYERS = 10; // from back to front, each of one opacity: so few paths are fast to draw
  const LONGEST = 8; // letters of an axis's name
  const SHARE = 0.31; // of the canvas that UNIT takes, at the middle

  const decode = (data, unit, gap) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const points = new Float32Array(bytes.length / 2);
    for (let i = 0; i < points.length; i += 1) {
      const whole = view.getInt16(2 * i, true);
      points[i] = whole === gap ? NaN : whole / unit;
    }
    return points;
  };

  // x to the right, z up, y away from the eye: turned about z by yaw, then tilted by pitch.
  const projection = (camera, size) => {
    const [cy, sy] = [Math.cos(camera.yaw), Math.sin(camera.yaw)];
    const [cp, sp] = [Math.cos(camera.pitch), Math.sin(camera.pitch)];
    return (x, y, z) => {
      const away = x * sy + y * cy;
      const depth = away * cp - z * sp;
      const scale = (size * SHARE * camera.distance * camera.zoom) / (camera.distance + depth);
      return [size / 2 + (x * cy - y * sy) * scale, size / 2 - (z * cp + away * sp) * scale, depth];
    };
  };

  const draw = (panel, camera, axes) => {
    const { canvas, points, dots } = panel;
    const ratio = window.devicePixelRatio || 1;
    const size = Math.max(1, Math.round(canvas.clientWidth * ratio));
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, size, size);
    const project = projection(camera, size);
    const layers = Array.from({ length: LAYERS }, () => new Path2D());
    let before = null;
    for (let i = 0; i < points.length; i += 3) {
      if (Number.isNaN(points[i])) {
        before = null;
        continue;
      }
      const now = project(points[i], points[i + 1], points[i + 2]);
      // The box reaches to √3 at most; what is nearer to the eye comes later and stronger.
      const layer = Math.min(LAYERS - 1, Math.max(0, Math.floor(((1.5 - now[2]) / 3) * LAYERS)));
      if (dots) {
        layers[layer].rect(now[0] - ratio / 2, now[1] - ratio / 2, 1.4 * ratio, 1.4 * ratio);
      } else if (before) {
        layers[layer].moveTo(before[0], before[1]);
        layers[layer].lineTo(now[0], now[1]);
      }
      before = now;
    }
    context.strokeStyle = context.fillStyle = style.color;
    context.lineWidth = 0.9 * ratio;
    context.lineCap = "round";
    layers.forEach((path, place) => {
      context.globalAlpha = 0.3 + (0.65 * place) / (LAYERS - 1);
      if (dots) context.fill(path);
      else context.stroke(path);
    });
    drawAxes(context, camera, axes, size, ratio, style);
  };

  // Which way the coordinates go, small in a corner, in the colour of what is written (a canvas has no other).
  const drawAxes = (context, camera, axes, size, ratio, style) => {
    const project = projection({ ...camera, zoom: 0.22 }, size);
    const [ox, oy] = project(0, 0, 0);
    const [cx, cy] = [size * 0.14 - ox, size * 0.84 - oy];
    context.globalAlpha = 1;
    context.strokeStyle = context.fillStyle = style.caretColor;
    context.font = `${11 * ratio}px ${style.fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]].forEach((end, place) => {
      const [x, y] = project(...end);
      context.beginPath();
      context.moveTo(ox + cx, oy + cy);
      context.lineTo(x + cx, y + cy);
      context.stroke();
      const name = axes[place].length > LONGEST ? `${axes[place].slice(0, LONGEST)}…` : axes[place];
      context.fillText(name, ox + cx + 1.35 * (x - ox), oy + cy + 1.35 * (y - oy));
    });
  };

  const turnable = (figure) => {
    const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const first = { yaw: data.yaw, pitch: data.pitch, distance: data.distance, zoom: 1 };
    const camera = { ...first };
    const panels = [];
    let asked = false;

    const redraw = () => {
      if (asked) return; // once a frame, however often the pointer moves
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        panels.forEach((panel) => draw(panel, camera, data.axes));
      });
    };

    const turn = (yaw, pitch, zoom = 1) => {
      camera.yaw += yaw;
      camera.pitch = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, camera.pitch + pitch));
      camera.zoom = Math.min(FARTHEST, Math.max(NEAREST, camera.zoom * zoom));
      redraw();
    };

    const KEYS = {
      ArrowLeft: () => turn(STEP, 0),
      ArrowRight: () => turn(-STEP, 0),
      ArrowUp: () => turn(0, STEP),
      ArrowDown: () => turn(0, -STEP),
      "+": () => turn(0, 0, 1.15),
      "=": () => turn(0, 0, 1.15),
      "-": () => turn(0, 0, 1 / 1.15),
      0: () => { Object.assign(camera, first); redraw(); },
    };

    data.runs.forEach((run) => {
      const view = figure.querySelector(`.view[data-run="${Number(run.place)}"]`);
      const canvas = document.createElement("canvas");
      if (!canvas.getContext("2d")) return; // the picture stays
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${data.title}: ${run.label}, in three dimensions; the arrow keys turn it`);
      view.append(canvas);
      view.classList.add("drawn");
      panels.push({ canvas, points: decode(run.data, data.unit, data.gap), dots: run.dots });

      canvas.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
        event.preventDefault();
        KEYS[event.key]();
      });
      // Places, not movementX: of a finger, or on a scaled screen, that is not the same everywhere.
      let held = null;
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || !event.isPrimary) return;
        canvas.setPointerCapture(event.pointerId);
        held = { id: event.pointerId, x: event.clientX, y: event.clientY };
      });
      canvas.addEventListener("pointermove", (event) => {
        if (held === null || event.pointerId !== held.id) return;
        const [x, y] = [event.clientX - held.x, event.clientY - held.y];
        Object.assign(held, { x: event.clientX, y: event.clientY });
        turn((-x * Math.PI) / canvas.clientWidth, (y * Math.PI) / canvas.clientWidth);
      });
      canvas.addEventListener("lostpointercapture", () => { held = null; });
      canvas.addEventListener("dblclick", KEYS[0]);
    });

    figure.querySelectorAll(".hint").forEach((hint) => { hint.hidden = false; });
    new ResizeObserver(redraw).observe(figure);
    const gone = new AbortController();
    document.addEventListener("themechange", redraw, { signal: gone.signal });
    document.addEventListener(
      "removed", // a newer one comes in its place
      (event) => { if (event.target.contains(figure)) gone.abort(); },
      { signal: gone.signal },
    );
    redraw();
  };

  const dress = (root) => root.querySelectorAll("figure.attractor").forEach(turnable);

  dress(document);
  document.addEventListener("added", (event) => dress(event.target)); // what came after the page
})();
