/* Lanyard.connect(connectUrl, {onComplete, onError, onClosed}) opens the connect
   page as a pop-up; where pop-ups are blocked, in this window. Load it on the
   return URL's page too: it brings the result back when the provider's page has
   cut the tie between the two windows. See docs/connect-page.md. */
(() => {
  "use strict";
  const KEY = "lanyard.popup";
  const open = () => ("BroadcastChannel" in window ? new BroadcastChannel("lanyard") : null);
  const store = (f) => { try { return f(sessionStorage); } catch { return null; } };
  let current = null;

  function connect(connectUrl, options = {}) {
    const url = new URL(connectUrl, location.href);
    if (!/^https?:$/.test(url.protocol)) throw new TypeError("Lanyard.connect: not a connect_url");
    if (current) current.close();

    // A new window starts with a copy of our sessionStorage. So the return page,
    // and no other window, can tell us which pop-up it is.
    const to = crypto.getRandomValues(new Uint32Array(4)).join("-");
    store((s) => s.setItem(KEY, to));
    const w = 520, h = Math.min(780, screen.availHeight || 780);
    const left = Math.max(0, screenX + (outerWidth - w) / 2), top = Math.max(0, screenY + (outerHeight - h) / 2);
    const popup = window.open(url, "_blank", `popup,width=${w},height=${h},left=${left | 0},top=${top | 0}`);
    store((s) => s.removeItem(KEY));
    if (!popup) {
      location.assign(url);
      return { popup: null, close() {} };
    }

    const channel = open();
    const stop = () => {
      removeEventListener("message", heard);
      clearInterval(watch);
      if (channel) channel.close();
      if (current === handle) current = null;
    };
    const take = (data, answer) => {
      if (!data || data.type !== "lanyard") return;
      answer({ type: "lanyard.taken", to });
      stop();
      popup.close();
      const { type, to: _, ...result } = data;
      const f = result.lanyard_error ? options.onError : options.onComplete;
      if (f) f(result);
    };
    const heard = (e) => {
      if (e.source === popup && e.origin === url.origin) take(e.data, (m) => popup.postMessage(m, url.origin));
    };
    addEventListener("message", heard);
    if (channel) channel.onmessage = (e) => {
      if (e.origin === location.origin && e.data && e.data.to === to) take(e.data, (m) => channel.postMessage(m));
    };

    // "closed" is also what we see when a provider's page cuts the tie, so it
    // ends nothing: the result may still come by the channel.
    const watch = setInterval(() => {
      if (!popup.closed) return;
      clearInterval(watch);
      if (options.onClosed) options.onClosed();
    }, 400);
    const handle = { popup, close() { stop(); popup.close(); } };
    return (current = handle);
  }

  // The return page, in the pop-up.
  const q = new URLSearchParams(location.search);
  const to = store((s) => s.getItem(KEY));
  const channel = to && (q.has("lanyard_completion") || q.has("lanyard_error")) && open();
  if (channel) {
    store((s) => s.removeItem(KEY));
    const message = { type: "lanyard", to };
    for (const [k, v] of q) if (k.startsWith("lanyard_")) message[k] = v;
    channel.onmessage = (e) => {
      if (e.data && e.data.type === "lanyard.taken" && e.data.to === to) window.close();
    };
    channel.postMessage(message);
  }

  window.Lanyard = Object.freeze({ connect });
})();
