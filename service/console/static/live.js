// Keeps a page as new as its events: on each event the page is asked for again, and every element
// marked data-live is swapped for its new self. Focus, open details and typed text stay as they are.
"use strict";

(() => {
  const { after, events } = document.body.dataset;
  const sign = document.getElementById("live");
  if (after === undefined || !window.EventSource) return;

  const PAUSE_MS = 150;
  let isAsking = false;
  let isDue = false;

  const say = (text, state) => {
    sign.hidden = false;
    sign.dataset.state = state;
    if (sign.textContent !== text) sign.textContent = text;
  };

  const swap = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    if (focused && focused.matches("input, select, textarea")) return;
    const open = [...old.querySelectorAll("details[open][id]")].map((each) => each.id);
    const href = focused && focused.getAttribute("href");
    const imported = document.importNode(fresh, true);
    old.replaceWith(imported);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (href) imported.querySelector(`[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  };

  const refresh = async () => {
    if (isAsking) {
      isDue = true;
      return;
    }
    isAsking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelectorAll("[data-live]").forEach((old) => {
        const fresh = page.getElementById(old.id);
        if (fresh) swap(old, fresh);
      });
    } catch {
      say("Reconnecting", "waiting");
    }
    isAsking = false;
    if (isDue) {
      isDue = false;
      soon();
    }
  };

  let timer = 0;
  const soon = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      refresh();
    }, PAUSE_MS);
  };

  const source = new EventSource(`/events?after=${after}`);
  source.addEventListener("open", () => say("Live", "live"));
  source.addEventListener("error", () => say("Reconnecting", "waiting"));
  events.split(" ").forEach((name) => source.addEventListener(name, soon));
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
