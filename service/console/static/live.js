// Keeps a page as new as its events: on each event the page is asked for again, and every element
// marked data-live is swapped for its new self. Focus, open details and typed text stay as they are.
"use strict";

(() => {
  const { after, events } = document.body.dataset;
  const sign = document.getElementById("live");
  if (after === undefined || !window.EventSource) return;

  // Written out without what location.href may hold: a name and a password, which fetch refuses.
  const here = location.origin + location.pathname + location.search;
  const PAUSE_MS = 150;
  const RETRY_MS = 3000;
  let source;
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
      const answer = await fetch(here, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelectorAll("[data-live]").forEach((old) => {
        const fresh = page.getElementById(old.id);
        if (fresh) swap(old, fresh);
      });
      if (source.readyState === EventSource.OPEN) say("Live", "live");
    } catch {
      say("Reconnecting", "waiting");
      setTimeout(soon, RETRY_MS);
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

  // A stream that is refused is closed for good, so another is opened in its place.
  const listen = () => {
    source = new EventSource(`${location.origin}/events?after=${after}`);
    source.addEventListener("open", () => say("Live", "live"));
    source.addEventListener("error", () => {
      say("Reconnecting", "waiting");
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
    });
    events.split(" ").forEach((name) => source.addEventListener(name, soon));
  };

  listen();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
