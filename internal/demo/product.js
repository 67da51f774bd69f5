// Harbour Notes works without this file. With it, Zoom can be connected in a
// pop-up, by Lanyard's own /lanyard.js.
(() => {
  "use strict";
  const send = (action, fields) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    for (const [name, value] of Object.entries(fields)) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
  };
  const failed = (code) => location.assign("/connected?lanyard_error=" + encodeURIComponent(code));

  const button = document.getElementById("popup");
  const state = document.getElementById("popup-state");
  if (button && window.Lanyard) {
    // The invitation is made before the click: a window that opens later is blocked.
    fetch("/invitation", { method: "POST" }).then((r) => (r.ok ? r.json() : Promise.reject(r.status))).then((made) => {
      button.hidden = false;
      button.addEventListener("click", () => {
        state.textContent = "Go on in the window that has opened.";
        Lanyard.connect(made.connect_url, {
          onComplete: (result) => send("/complete", { completion: result.lanyard_completion }),
          onError: (result) => failed(result.lanyard_error),
          onClosed: () => { state.textContent = "The window was closed. If you did not finish, you can try again."; },
        });
      });
    }).catch(() => { /* the button that needs no script is there */ });
  }

  // The return page of a pop-up. If nobody takes the result, the pop-up was
  // blocked and this is the only window: it goes on by itself.
  const over = document.getElementById("handed-over");
  if (over) {
    setTimeout(() => {
      const { completion, failure } = over.dataset;
      if (completion) send("/complete", { completion });
      else failed(failure || "internal");
    }, 1500);
  }
})();
