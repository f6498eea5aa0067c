// Comfort on top of a page that works without it: answers without a reload, remembered ticks, copying, keys.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("ask");
  const say = (text) => { byId("status").textContent = ""; requestAnimationFrame(() => { byId("status").textContent = text; }); };

  // Ticks: kept by card and review date, so that a card that was rewritten starts fresh.
  const remembered = (list) => "nekb.ticks." + list.dataset.ticks + "." + list.dataset.version;
  const textOf = (box) => byId(box.getAttribute("aria-labelledby")).textContent.trim().slice(0, 80);
  const stored = (list) => {
    try {
      const kept = JSON.parse(localStorage.getItem(remembered(list)) || "[]");
      return Array.isArray(kept) ? kept : [];
    } catch { return []; }
  };
  const keep = (list) => {
    const boxes = [...list.querySelectorAll("input")];
    const hidden = stored(list).filter((text) => !boxes.some((box) => textOf(box) === text)); // steps this view leaves out
    const ticked = boxes.filter((box) => box.checked).map(textOf);
    try { localStorage.setItem(remembered(list), JSON.stringify([...hidden, ...ticked])); } catch { /* private mode */ }
  };
  const count = (list) => {
    const boxes = [...list.querySelectorAll("input")];
    const done = boxes.filter((box) => box.checked).length;
    const line = list.previousElementSibling;
    line.hidden = done === 0;
    line.querySelector("[data-count]").textContent = `${done} of ${boxes.length} done`;
  };
  const ticks = (root) => root.querySelectorAll("[data-ticks]").forEach((list) => {
    const kept = stored(list);
    list.querySelectorAll("input").forEach((box) => { box.checked = kept.includes(textOf(box)); });
    count(list);
    list.addEventListener("change", () => { keep(list); count(list); });
    list.previousElementSibling.querySelector("[data-untick]").addEventListener("click", () => {
      list.querySelectorAll("input").forEach((box) => { box.checked = false; });
      keep(list);
      count(list);
      list.querySelector("input").focus();
      say("Ticks cleared");
    });
  });

  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no permission, or not a secure context
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(what + " copied");
  };
  const told = (button, word) => {
    const before = button.textContent;
    button.textContent = word;
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  const buttons = (root) => {
    root.querySelectorAll("[data-copy]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", async () => { await copy(byId(button.dataset.copy).value, "Text"); told(button, "Copied"); });
    });
    root.querySelectorAll("[data-share]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", async () => { await copy(location.href, "Link"); told(button, "Copied"); });
    });
  };

  const votes = (root) => root.querySelectorAll("form.vote").forEach((vote) => vote.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(vote, event.submitter);
    try {
      const answer = await fetch(vote.action, { method: "POST", body, headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const thanks = document.createElement("p");
      thanks.textContent = "Thank you. Your vote is kept on this server.";
      thanks.tabIndex = -1;
      vote.replaceChildren(thanks);
      thanks.focus();
    } catch {
      say("The vote could not be kept. Try again.");
    }
  }));

  const enliven = (root) => { ticks(root); buttons(root); votes(root); };

  let asked = 0;
  const show = async (address, options, keptAddress) => {
    const mine = ++asked;
    byId("result").setAttribute("aria-busy", "true");
    say("Asking");
    try {
      const answer = await fetch(address, { ...options, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== asked) return;
      if (!page.getElementById("result")) throw new Error(String(answer.status));
      for (const id of ["result", "facts"]) byId(id).replaceWith(page.getElementById(id));
      byId("platform").value = page.getElementById("platform").value;
      document.title = page.title;
      if (keptAddress) history.pushState({}, "", keptAddress);
      document.querySelector(".asking").classList.remove("first");
      document.querySelector(".lead")?.remove();
      const title = document.querySelector("h1");
      title.className = "unseen";
      title.textContent = "Answer";
      enliven(byId("result"));
      const heading = byId("result").querySelector("[data-focus]");
      if (heading) { heading.focus(); say(heading.textContent.trim()); }
    } catch (error) {
      if (mine !== asked) return;
      byId("result").removeAttribute("aria-busy");
      const note = document.createElement("p");
      note.className = "panel warn";
      note.textContent = error.message === "429"
        ? "Too many questions in a short time. Wait a minute and ask again; your text is still here."
        : "The server did not answer. Your text is still here; try again.";
      byId("result").replaceChildren(note);
      say(note.textContent);
    }
  };

  if (form) {
    byId("long").remove(); // a script chooses between address and body by itself
    const size = () => byId("query").value.length;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const data = new FormData(form, event.submitter);
      if (size() > Number(form.dataset.shareable)) {
        show("/", { method: "POST", body: data }, "/");
      } else {
        const facts = new Map([...data].filter(([, value]) => typeof value === "string" && value.trim() !== ""));
        facts.delete(facts.get("drop"));
        facts.delete("drop");
        const address = "/?" + new URLSearchParams([...facts]);
        show(address, {}, address);
      }
    });
    byId("query").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
    });
    window.addEventListener("popstate", () => location.reload());
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const box = byId("query") || byId("filter");
    if (box) { event.preventDefault(); box.focus(); }
  });

  const narrowing = document.querySelector("[data-filter]");
  if (narrowing) {
    narrowing.hidden = false;
    byId("filter").addEventListener("input", () => {
      const words = byId("filter").value.toLowerCase().split(/\s+/);
      let left = 0;
      document.querySelectorAll(".topic").forEach((topic) => {
        let here = 0;
        topic.querySelectorAll("li").forEach((item) => {
          item.hidden = !words.every((word) => item.dataset.words.includes(word));
          here += item.hidden ? 0 : 1;
        });
        topic.hidden = here === 0;
        left += here;
      });
      byId("filtered").textContent = left === 1 ? "1 card" : `${left} cards`;
    });
  }

  enliven(document);
})();
