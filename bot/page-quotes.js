// What can be done with a quote: copy it with its source, and hear it.
"use strict";

window.quotes = (() => {
  async function copied(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      return true;
    } catch { // no such permission, or a page without https: the old way
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      button.focus();
      return done;
    }
  }

  // Only voices that live on this device: a quote is never sent to a service to be spoken.
  const voice = (language) => globalThis.speechSynthesis?.getVoices().find(
    (one) => one.localService && one.lang.toLowerCase().startsWith(language.toLowerCase()));

  function offerVoices() {
    for (const button of document.querySelectorAll("[data-action=speak]")) {
      button.hidden = !voice(button.closest(".quote").querySelector("blockquote").lang);
    }
  }

  globalThis.speechSynthesis?.addEventListener?.("voiceschanged", offerVoices);

  let speaking = null;

  function quiet() {
    if (speaking) speaking.textContent = speaking.dataset.start;
    speaking = null;
  }

  function stop() {
    globalThis.speechSynthesis?.cancel();
    quiet();
  }

  addEventListener("pagehide", stop); // a voice would go on on the next page

  function speak(button) {
    const again = speaking === button;
    stop();
    if (again) return;
    const quote = button.closest(".quote").querySelector("blockquote");
    const said = new SpeechSynthesisUtterance(quote.textContent);
    said.voice = voice(quote.lang);
    said.lang = said.voice.lang;
    said.rate = 0.9;
    said.onend = () => { if (speaking === button) quiet(); };
    button.dataset.start = button.textContent;
    button.textContent = button.dataset.stop;
    speaking = button;
    speechSynthesis.speak(said);
  }

  return { copied, offerVoices, speak, stop };
})();
