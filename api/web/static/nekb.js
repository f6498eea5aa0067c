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

  // What the server answers, as a page; neither where it does not answer.
  const fetched = async (address, options) => {
    try {
      const answer = await fetch(address, { ...options, headers: { Accept: "text/html" } });
      return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
    } catch { return { answer: null, page: null }; }
  };

  // A refusal in the server's words, or `otherwise`. Where it asks for a key, signing in goes on with `again`.
  const refuse = (place, page, otherwise, again) => {
    const note = page?.querySelector("[data-problem]") || document.createElement("section");
    const title = document.createElement("h2");
    title.tabIndex = -1;
    title.textContent = otherwise;
    const given = note.querySelector("h1");
    if (given) {
      title.id = given.id;
      title.textContent = given.textContent;
      given.replaceWith(title);
    } else {
      note.className = "panel warn";
      note.append(title);
    }
    note.querySelector("[data-away]")?.remove(); // its links would leave the text behind
    place.replaceChildren(note);
    note.querySelector("form")?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = new FormData(event.target);
      body.set("next", "/");
      const { answer, page: next } = await fetched("/sign-in", { method: "POST", body });
      if (!answer?.ok) { refuse(place, next, otherwise, again); return; }
      const nav = next.querySelector("nav");
      if (nav) document.querySelector("nav").replaceWith(nav); // signing out is offered there
      again();
    });
    title.focus();
    say([...note.querySelectorAll("h2, p")].map((part) => part.textContent.trim()).join(" "));
  };

  const votes = (root) => root.querySelectorAll("form.vote").forEach((vote) => {
    const below = document.createElement("div");
    vote.after(below);
    let sending = false; // a double click is one vote
    const send = async (body) => {
      if (sending) return;
      sending = true;
      const { answer, page } = await fetched(vote.action, { method: "POST", body });
      sending = false;
      if (!answer?.ok) { refuse(below, page, "The vote could not be kept. Try again.", () => send(body)); return; }
      const thanks = document.createElement("p");
      thanks.textContent = "Thank you. Your vote is kept on this server.";
      thanks.tabIndex = -1;
      below.remove();
      vote.replaceChildren(thanks);
      thanks.focus();
    };
    vote.addEventListener("submit", (event) => { event.preventDefault(); send(new FormData(vote, event.submitter)); });
  });

  const enliven = (root) => { ticks(root); buttons(root); votes(root); };

  // Each place in the history has an id, and keeps a paste that is too long for an address.
  // A link to the very address that is shown may leave the state as it was, and yet asks for a fresh page.
  const arrived = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  let here = (arrived ? null : history.state) ?? { id: Math.random() };
  const enter = (address, sent) => {
    here = { id: Math.random(), sent };
    history.pushState(here, "", address);
  };
  const posted = (fields) => {
    const body = new FormData();
    fields.forEach(([name, value]) => body.append(name, value));
    return { method: "POST", body };
  };

  let asked = 0;
  const show = async (address, options, entered) => {
    const mine = ++asked;
    byId("result").setAttribute("aria-busy", "true");
    say("Asking");
    const { answer, page } = await fetched(address, options);
    if (mine !== asked) return;
    if (!page?.getElementById("result")) {
      byId("result").removeAttribute("aria-busy");
      const otherwise = "The server did not answer. Your text is still here; try again.";
      refuse(byId("result"), page, otherwise, () => show(address, options, entered));
      return;
    }
    for (const id of ["result", "facts"]) byId(id).replaceWith(page.getElementById(id));
    byId("platform").value = page.getElementById("platform").value;
    document.title = page.title;
    entered?.(answer);
    document.querySelector(".asking").classList.remove("first");
    document.querySelector(".lead")?.remove();
    const title = document.querySelector("h1");
    title.className = "unseen";
    title.textContent = "Answer";
    enliven(byId("result"));
    const heading = byId("result").querySelector("[data-focus]");
    if (heading) { heading.focus(); say(heading.textContent.trim()); }
  };

  // Fill in and ask again what a place in the history keeps.
  const resume = (fields) => {
    for (const [name, value] of fields) {
      if (name === "query" || name === "platform") { byId(name).value = value; continue; }
      const fact = document.createElement("input");
      Object.assign(fact, { type: "hidden", name, value });
      byId("facts").append(fact);
    }
    show("/", posted(fields));
  };

  if (form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = [...new FormData(form, event.submitter)];
      const facts = new Map(given.filter(([, value]) => typeof value === "string" && value.trim() !== ""));
      facts.delete(facts.get("drop"));
      facts.delete("drop");
      const address = "/?" + new URLSearchParams([...facts]);
      if (byId("query").value.length <= Number(form.dataset.shareable)) {
        show(address, {}, () => enter(address));
      } else { // the server counts characters another way, and sends on to an address what is short by that
        show("/", posted([...facts]), ({ redirected }) => (redirected ? enter(address) : enter("/", [...facts])));
      }
    });
    byId("query").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
    });
    history.replaceState(here, "");
    window.addEventListener("popstate", ({ state }) => {
      if (state === null) history.replaceState(here, ""); // a jump within the page
      else if (state.id !== here.id) location.reload();
    });
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
  if (form && here.sent) resume(here.sent);
})();
