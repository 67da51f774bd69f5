// The pages work without this file. It closes pop-ups, hands a result to the
// page that opened one, and keeps Continue from being pressed twice.
(() => {
  "use strict";
  const each = (selector, f) => document.querySelectorAll(selector).forEach(f);

  if (window.opener) {
    each("[data-close]", (b) => {
      b.hidden = false;
      b.addEventListener("click", () => window.close());
    });
    each("a[data-cancel]", (a) => a.addEventListener("click", (e) => {
      e.preventDefault();
      window.close();
      setTimeout(() => location.assign(a.href), 300); // not ours to close
    }));
  }

  each("form[data-once]", (form) => {
    const button = form.querySelector("button");
    form.addEventListener("submit", (e) => {
      if (button.getAttribute("aria-disabled")) e.preventDefault();
      button.setAttribute("aria-disabled", "true");
    });
    // Back from the provider, the page may come out of the browser's memory as it was.
    addEventListener("pageshow", () => button.removeAttribute("aria-disabled"));
  });

  each("img[data-logo]", (img) => {
    const letter = () => {
      const mark = img.parentNode;
      mark.className = "mark " + img.dataset.tint;
      mark.setAttribute("aria-hidden", "true");
      mark.textContent = img.dataset.logo;
    };
    if (img.complete && !img.naturalWidth) letter();
    img.addEventListener("error", letter);
  });

  const h = document.getElementById("handover");
  if (!h) return;

  const { origin, return: back } = h.dataset;
  const message = { ...JSON.parse(h.dataset.message || "{}"), type: "lanyard" };
  let taken = false;
  const took = (data) => {
    if (!data || data.type !== "lanyard.taken" || taken) return;
    taken = true;
    h.textContent = h.dataset.over;
    window.close();
  };

  let patience = 0;
  if (window.opener) {
    addEventListener("message", (e) => {
      if (e.source === window.opener && e.origin === origin) took(e.data);
    });
    window.opener.postMessage(message, origin); // to nobody if another page is there by now
    patience = 1500;
  }
  if (origin === location.origin && window.BroadcastChannel) {
    // We are served from the customer's own origin, so its pages hear this channel.
    try {
      const to = sessionStorage.getItem("lanyard.popup");
      if (to) {
        const channel = new BroadcastChannel("lanyard");
        channel.onmessage = (e) => { if (e.data && e.data.to === to) took(e.data); };
        channel.postMessage({ ...message, to });
        patience = Math.max(patience, 400);
      }
    } catch { /* no storage here: the return URL is left */ }
  }
  setTimeout(() => { if (!taken && back) location.replace(back); }, patience);
})();
