/* The little script of the portal: theme, htmx with CSRF, live curves. Every page works without it, except live
   updates. Loaded in the head, so that the chosen theme is there before the first paint. */
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const read = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window: not kept */ } };
  const chosen = read();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  function colour(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  function announceTheme() {
    document.dispatchEvent(new CustomEvent("kifabrik:theme"));
  }

  function prepareThemeSwitch() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const now = root.dataset.theme || (dark.matches ? "dark" : "light");
        root.dataset.theme = now === "dark" ? "light" : "dark";
        keep(root.dataset.theme);
        announceTheme();
      });
    }
    dark.addEventListener("change", announceTheme);
  }

  /* A curve: <div data-curve-url="...">; the answer's shape is told in templates/components/curve.html. */
  class Curve {
    constructor(place) {
      this.place = place;
      this.plot = null;
      this.answer = null;
      this.failures = 0;
      document.addEventListener("kifabrik:theme", () => this.draw());
      new ResizeObserver(() => this.fit()).observe(place);
      this.ask();
    }

    async ask() {
      let live = true;
      try {
        const reply = await fetch(this.place.dataset.curveUrl, { headers: { Accept: "application/json" } });
        if (!reply.ok) throw new Error(String(reply.status));
        this.answer = await reply.json();
        this.failures = 0;
        live = Boolean(this.answer.live);
        this.draw();
      } catch {
        this.failures += 1;
      }
      if (live && this.failures < 20 && this.place.isConnected) {
        setTimeout(() => this.ask(), 3000 * Math.min(1 + this.failures, 10));
      }
    }

    options() {
      const axis = {
        stroke: colour("--pico-muted-color"),
        grid: { stroke: colour("--kf-line"), width: 1 },
        ticks: { stroke: colour("--kf-line"), width: 1 },
      };
      const lines = this.answer.series.map((series, index) => ({
        label: series.label,
        stroke: colour(`--kf-curve-${(index % 4) + 1}`),
        width: 2,
        dash: index > 3 ? [6, 4] : undefined,
        spanGaps: true,
        points: { show: series.values.length < 3 },
      }));
      return {
        ...this.size(),
        scales: { x: { time: false } },
        axes: [{ ...axis, label: this.answer.x.label }, { ...axis, size: 60 }],
        series: [{ label: this.answer.x.label }, ...lines],
      };
    }

    size() {
      return { width: Math.max(240, this.place.clientWidth - 14), height: 230 };
    }

    draw() {
      if (!this.answer || !window.uPlot) return;
      if (this.plot) this.plot.destroy();
      const columns = [this.answer.x.values, ...this.answer.series.map((series) => series.values)];
      this.plot = new window.uPlot(this.options(), columns, this.place);
    }

    fit() {
      if (this.plot) this.plot.setSize(this.size());
    }
  }

  function prepareCurves(within) {
    for (const place of within.querySelectorAll("[data-curve-url]")) {
      if (place.dataset.curveReady) continue;
      place.dataset.curveReady = "yes";
      new Curve(place);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    prepareThemeSwitch();
    prepareCurves(document);
    const errors = document.querySelector("[data-focus]");
    if (errors) errors.focus();
    document.body.addEventListener("htmx:configRequest", (event) => {
      event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
    });
    document.body.addEventListener("htmx:afterSwap", (event) => prepareCurves(event.target));
  });
})();
