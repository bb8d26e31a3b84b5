"use strict";
const slice = document.getElementById("slice");
const chooseSlice = () => {
  for (const body of document.querySelectorAll("tbody[data-slice]")) {
    body.hidden = body.dataset.slice !== slice.value;
  }
};
slice.addEventListener("change", chooseSlice);
chooseSlice();

const form = document.getElementById("filters");
if (form) {
  const misses = [...document.querySelectorAll("article[data-why]")];
  const fits = (miss, field, value) =>
    field === "tags" ? miss.dataset.tags.split(" ").includes(value) : miss.dataset[field] === value;
  const choose = () => {
    const wanted = [...form.querySelectorAll("select")].filter((each) => each.value);
    const words = form.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const miss of misses) {
      const text = miss.textContent.toLowerCase();
      const fit = wanted.every((each) => fits(miss, each.dataset.field, each.value)) && words.every((word) => text.includes(word));
      miss.hidden = !fit;
      shown += fit;
    }
    document.getElementById("count").textContent = `${shown} of ${misses.length} misses`;
  };
  form.addEventListener("input", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  choose();
}
