// Where the page stands in its conversation: the name by which the server knows it. The name is kept with the tab's
// entry in the history (history.state), so that a reload, the other language and the back button find it again.
"use strict";

window.conversation = (() => {
  const files = new URL(".", document.currentScript.src);
  const opened = location.pathname;

  let name = history.state?.conversation ?? "";
  let alone = history.state?.alone ?? false; // the next question leans on nothing
  let asked = false; // whether the question under way does

  function remember() {
    history.replaceState({ ...history.state, conversation: name, alone }, "");
  }

  function standAlone() {
    alone = true;
    remember();
  }

  // What the server is told with a question.
  function told(question) {
    asked = alone;
    alone = false;
    return [question, name, asked];
  }

  function answered(newName) {
    name = newName;
    remember();
  }

  function notAnswered() {
    alone = alone || asked;
  }

  function forget() {
    const old = name;
    name = "";
    alone = false;
    remember();
    return old;
  }

  // The turns as HTML; "" where there were none, null where the server knows them no more. Throws when out of reach.
  async function again() {
    if (!name) return "";
    const answer = await fetch(new URL("../conversation", files), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name, language: document.documentElement.lang }),
    });
    if (answer.ok) return answer.text();
    if (answer.status === 429 || answer.status >= 500) throw new Error(answer.statusText);
    forget(); // not a name, or not any more
    return null;
  }

  // The page at another address, with its conversation: its entry in the history is made first, and then loaded.
  function goTo(address) {
    remember();
    history.pushState(history.state, "", address);
    location.reload();
  }

  addEventListener("popstate", () => {
    remember(); // this entry may be older than the last answer
    if (location.pathname !== opened) location.reload();
  });

  return { isAlone: () => alone, standAlone, told, answered, notAnswered, forget, again, goTo };
})();
