// The article pane: leading to a passage and back, the section being read, and text selected to ask about.
"use strict";

window.articlePane = (() => {
  const get = (id) => document.getElementById(id);
  const pane = () => get("reading");
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const isPhone = () => matchMedia("(max-width: 60rem)").matches;
  const isOpen = () => document.body.classList.contains("sheet");
  const files = new URL(".", document.currentScript.src);

  let cameFrom = null;

  // Offsets count code points; the DOM counts UTF-16 units.
  const units = (text, points) => Array.from(text).slice(0, points).join("").length;

  function unmark() {
    for (const block of document.querySelectorAll("#articles .shown")) {
      block.replaceChildren(block.textContent);
      block.classList.remove("shown");
      block.removeAttribute("tabindex");
    }
  }

  function mark(block, ranges) {
    const text = block.textContent;
    const start = Number(block.dataset.start);
    const pieces = [];
    let edge = 0;
    for (const [from, to] of ranges) {
      const [a, b] = [units(text, from - start), units(text, to - start)];
      const marked = document.createElement("mark");
      marked.textContent = text.slice(a, b);
      pieces.push(text.slice(edge, a), marked);
      edge = b;
    }
    block.replaceChildren(...pieces, text.slice(edge));
  }

  function source({ article, sha }) {
    return document.querySelector(`#articles [data-article="${CSS.escape(article)}"][data-sha="${CSS.escape(sha)}"]`);
  }

  // The article as the server has it now; a page that was open while it was updated shows an older one.
  async function renew() {
    const answer = await fetch(new URL(`../article/blocks?language=${document.documentElement.lang}`, files));
    if (answer.ok) get("articles").innerHTML = await answer.text(); // made and escaped by our own server
  }

  // Shows the passage of a quote or a heading; false where the article is not the one it was quoted from.
  async function show(cited, button) {
    if (!source(cited.dataset)) await renew();
    const article = source(cited.dataset);
    if (!article) return false;
    const [start, end] = [Number(cited.dataset.start), Number(cited.dataset.end)];
    const marks = JSON.parse(cited.dataset.marks ?? "[]");
    const blocks = [...article.querySelectorAll(".block")].filter(
      ({ dataset }) => Number(dataset.start) < end && start < Number(dataset.end));
    unmark();
    for (const block of blocks) {
      block.classList.add("shown");
      mark(block, marks.filter(([from, to]) => Number(block.dataset.start) <= from && to <= Number(block.dataset.end)));
    }
    open(button);
    blocks[0].tabIndex = -1;
    blocks[0].focus({ preventScroll: true });
    (blocks[0].querySelector("mark") ?? blocks[0]).scrollIntoView({
      behavior: calm() || isPhone() ? "auto" : "smooth",
      block: blocks[0].matches("h3") ? "start" : "center",
    });
    return true;
  }

  function open(button = null) {
    cameFrom = button;
    const back = document.querySelector(".back");
    back.classList.toggle("wanted", Boolean(cameFrom));
    back.textContent = cameFrom ? back.dataset.back : back.dataset.close;
    if (!isPhone() || isOpen()) return;
    setSheet(true);
    history.pushState({ ...history.state, sheet: true }, ""); // so that the phone's back button closes the sheet, and not the page
    if (!cameFrom) back.focus();
  }

  function setSheet(on) {
    document.body.classList.toggle("sheet", on);
    for (const id of ["masthead", "talk"]) get(id).inert = on;
    pane().setAttribute("role", on ? "dialog" : "region");
    pane().toggleAttribute("aria-modal", on);
  }

  function leave() {
    setSheet(false);
    document.querySelector(".back").classList.remove("wanted");
    const target = cameFrom ?? document.querySelector(".open-article");
    cameFrom = null;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest" });
  }

  function back() {
    if (isOpen()) history.back();
    else leave();
  }

  addEventListener("popstate", () => {
    if (isOpen() && !history.state?.sheet) leave();
    else if (!isOpen() && history.state?.sheet && isPhone()) setSheet(true);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (isOpen() || cameFrom)) back();
  });

  // --- The section being read decides which questions are offered --------------------------------------------

  function sectionRead() {
    const edge = pane().getBoundingClientRect().top + pane().clientHeight * 0.4;
    if (pane().scrollTop < 40) return "";
    const passed = [...document.querySelectorAll("#articles .heading")].filter((h) => h.getBoundingClientRect().top < edge);
    return passed.length ? passed.at(-1).id : "";
  }

  function offer() {
    const section = sectionRead();
    const items = [...document.querySelectorAll(".examples li")];
    const wanted = (item) => (section ? item.dataset.section === section : "first" in item.dataset);
    if (!items.some(wanted)) return;
    for (const item of items) item.hidden = !wanted(item);
    const lead = get("examples-lead");
    const heading = section && get(section);
    lead.textContent = heading ? lead.dataset.about.replace("{section}", heading.textContent) : lead.dataset.start;
  }

  let offering = false;

  document.addEventListener("scroll", (event) => {
    if (event.target !== pane() || offering) return;
    offering = true;
    setTimeout(() => { offering = false; offer(); }, 250);
  }, true);

  // --- Text selected in the article -----------------------------------------------------------------------------

  let selected = "";

  document.addEventListener("selectionchange", () => {
    const selection = getSelection();
    const words = selection.toString().trim();
    const inside = selection.anchorNode && get("articles")?.contains(selection.anchorNode);
    const usable = Boolean(inside && words.length > 2 && words.length < 500);
    if (usable) selected = words;
    const button = document.querySelector(".ask-about");
    if (button) button.hidden = !usable;
  });

  function takeSelected() {
    getSelection().removeAllRanges();
    if (isOpen()) { cameFrom = null; back(); }
    return selected;
  }

  function ready(label) {
    pane().setAttribute("role", "region");
    pane().setAttribute("aria-label", label);
    pane().tabIndex = 0;
    if (history.state?.sheet && isPhone()) setSheet(true);
  }

  return { show, open, back, unmark, takeSelected, ready };
})();
