// What the page does in the browser: shows turns as they arrive, leads to the article, sends ratings, sets the size of the text.
// It stores nothing and asks nobody but its own server.
"use strict";

window.askTheArticle = (() => {
  const get = (id) => document.getElementById(id);
  const box = () => document.querySelector("#question textarea");
  const words = () => document.querySelector(".thread-words").dataset;
  const files = new URL(".", document.currentScript.src);
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // A live region speaks when its text changes: the same words twice must change twice.
  function announce(text, region = "status") {
    get(region).textContent = "";
    setTimeout(() => { get(region).textContent = text; }, 50);
  }

  // --- Turns ------------------------------------------------------------------------------------------------

  let pending = null;
  let slow = 0;

  function asking() {
    problem("");
    if (!box().value.trim() || pending) return;
    pending = document.createElement("p");
    pending.className = "pending";
    pending.textContent = words().looking;
    get("turns").append(pending);
    slow = setTimeout(() => announce(words().looking), 1000);
  }

  function settle() {
    clearTimeout(slow);
    pending?.remove();
    pending = null;
  }

  function arrived(html) {
    settle();
    const part = document.createElement("template");
    part.innerHTML = html; // made and escaped by our own server
    const turn = part.content.firstElementChild;
    if (turn.dataset.refusal) return notNow(turn.dataset.refusal, true);
    if (turn.dataset.hint) return notNow(turn.dataset.hint);
    conversation.answered(turn.dataset.conversation);
    // A first turn on a page that has some: the server no longer knows them (it was restarted, or forgot).
    if (turn.dataset.turn === "1" && get("turns").querySelector(".turn")) divide(words().forgotten);
    if ("parted" in turn.dataset && !get("turns").lastElementChild?.matches(".parted")) divide(words().newTopic);
    document.body.classList.add("has-turns");
    get("turns").append(turn);
    quotes.offerVoices();
    announce(turn.dataset.announce, turn.dataset.outcome === "emergency" ? "alarm" : "status");
    turn.scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "start" });
  }

  function failed() {
    settle();
    notNow(words().failed, true);
  }

  function notNow(text, retry = false) {
    conversation.notAnswered();
    problem(text, retry);
  }

  // A page that was loaded anew shows its conversation again.
  async function resume() {
    let html;
    try {
      html = await conversation.again();
    } catch {
      return problem(words().notShown);
    }
    if (html === null) {
      divide(words().expired);
      announce(words().expired);
    }
    if (!html) return;
    const part = document.createElement("template");
    part.innerHTML = html; // made and escaped by our own server
    const turns = [...part.content.children];
    document.body.classList.add("has-turns");
    get("turns").prepend(...turns.flatMap((turn) => ("parted" in turn.dataset ? [parting(words().newTopic), turn] : [turn])));
    if (conversation.isAlone()) divide(words().newTopic);
    quotes.offerVoices();
    turns.at(-1).scrollIntoView({ block: "start" });
  }

  function problem(text, retry = false) {
    get("problem").textContent = text;
    get("retry").hidden = !retry;
  }

  function parting(text) {
    const line = document.createElement("p");
    line.className = "parted";
    line.textContent = text;
    return line;
  }

  function divide(text) {
    get("turns").append(parting(text));
  }

  function newTopic() {
    conversation.standAlone();
    divide(words().newTopic);
    announce(words().newTopic);
    box().focus();
  }

  function cleared() {
    quotes.stop();
    get("turns").replaceChildren();
    document.body.classList.remove("has-turns");
    articlePane.unmark();
    announce(words().cleared);
    box().focus();
    return conversation.forget(); // which the server does, too
  }

  function fill(text) {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
    box().focus();
  }

  function ask(text) {
    fill(text);
    setTimeout(() => get("ask").click(), 30); // Gradio takes the box's new value in its next tick
  }

  // A lost connection would make Gradio wait for the server and then load the page anew, and the conversation would
  // be gone. So it is told of an error instead, and the question stays in the box.
  const reach = window.fetch;
  window.fetch = async (...request) => {
    try {
      return await reach(...request);
    } catch (error) {
      if (!String(request[0]?.url ?? request[0]).includes("/gradio_api/run/")) throw error;
      return new Response(JSON.stringify({ error: "unreachable" }), { status: 500 });
    }
  };

  // --- Small helps ------------------------------------------------------------------------------------------

  async function show(button) {
    if (!(await articlePane.show(button.closest("[data-start]"), button))) announce(words().outdated);
  }

  async function copy(button) {
    const done = await quotes.copied(button);
    const said = done ? words().copied : words().notCopied;
    announce(said);
    const before = [...button.childNodes];
    button.replaceChildren(said);
    setTimeout(() => button.replaceChildren(...before), 2500);
  }

  function rate(button) {
    const form = button.closest(".feedback");
    for (const other of form.querySelectorAll("[data-helpful]")) other.setAttribute("aria-pressed", other === button);
    form.querySelector(".why").hidden = false;
    form.querySelector(".reasons").hidden = button.dataset.helpful === "yes";
  }

  async function send(button) {
    const form = button.closest(".feedback");
    const helpful = form.querySelector("[aria-pressed=true]").dataset.helpful === "yes";
    const rating = {
      token: form.dataset.token,
      helpful,
      reason: helpful ? null : form.querySelector("[type=radio]:checked")?.value ?? null,
      keep_question: form.querySelector("[type=checkbox]").checked,
    };
    const answer = await fetch(new URL("../feedback", files), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(rating),
    }).catch(() => null);
    const said = document.createElement("p");
    said.tabIndex = -1;
    said.textContent = answer?.ok ? form.dataset.saved : form.dataset.failed;
    form.replaceChildren(said);
    said.focus();
  }

  const SIZES = [0.875, 1, 1.15, 1.3, 1.5, 1.75, 2];
  let size = history.state?.size ?? SIZES.indexOf(1);

  function resize(step) {
    size = Math.max(0, Math.min(SIZES.length - 1, size + step));
    history.replaceState({ ...history.state, size }, ""); // so that a reload and the other language keep it
    document.documentElement.style.setProperty("--scale", SIZES[size]);
    document.documentElement.classList.toggle("large", SIZES[size] >= 1.5); // the box no longer covers half a phone
  }

  function count() {
    const { limit, shownFrom, counted, over } = document.querySelector("#hint .hint").dataset;
    const length = Array.from(box().value).length;
    const pattern = length > Number(limit) ? over : counted;
    get("count").textContent = length < Number(shownFrom) ? "" : pattern.replace("{count}", length).replace("{limit}", limit);
  }

  // --- What is pressed, typed and opened --------------------------------------------------------------------

  const askedBy = (button) => button.closest(".turn").querySelector(".asked-words").textContent;

  const ACTIONS = {
    ask: (button) => ask(button.textContent),
    edit: (button) => fill(askedBy(button)),
    alone: (button) => { conversation.standAlone(); ask(askedBy(button)); },
    language: (link) => conversation.goTo(link.href),
    retry: () => get("ask").click(),
    skip: () => box().focus(),
    show, copy, rate, send,
    speak: (button) => quotes.speak(button),
    open: () => articlePane.open(),
    back: () => articlePane.back(),
    "ask-about": () => { const text = articlePane.takeSelected(); setTimeout(() => fill(text), 50); },
    smaller: () => resize(-1),
    larger: () => resize(1),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button?.tagName === "A" && (event.ctrlKey || event.metaKey || event.shiftKey)) return; // to a tab of its own
    if (button?.tagName === "A") event.preventDefault();
    if (button) ACTIONS[button.dataset.action](button);
    else if (event.target.closest("#ask")) asking();
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.target !== box()) return;
    if (event.isComposing) event.stopPropagation(); // Enter that chooses a character of another script
    else asking();
  }, true);

  document.addEventListener("input", (event) => {
    if (event.target === box()) count();
  });

  // Gradio sets the browser's language on a page that is written in its own.
  const language = document.documentElement.lang;
  new MutationObserver(() => {
    if (document.documentElement.lang !== language) document.documentElement.lang = language;
  }).observe(document.documentElement, { attributeFilter: ["lang"] });

  // The first paint stands until Gradio's page does. Then a question in the address is asked, and leaves it.
  new MutationObserver((_, observer) => {
    if (!box() || !get("articles")) return;
    observer.disconnect();
    get("first-paint")?.remove();
    articlePane.ready(words().article);
    resize(0);
    get("talk").setAttribute("role", "region");
    get("talk").setAttribute("aria-label", words().conversation);
    const shown = resume();
    const address = new URL(location.href);
    const question = address.searchParams.get("q");
    if (!question) return;
    address.searchParams.delete("q");
    history.replaceState(history.state, "", address);
    shown.then(() => setTimeout(() => ask(question), 100));
  }).observe(document.documentElement, { childList: true, subtree: true });

  return { told: conversation.told, arrived, failed, newTopic, cleared };
})();
