// A form for each exercise: a number or a choice is checked here, and a known mistake is named.
const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

/** Return the number of a text such as -0.25, 1e-3, 1/3 or 0,25. */
function number(text) {
  const parts = text.trim().replace("\u2212", "-").replace(",", ".").split("/");
  if (parts.length > 2 || parts.some((part) => part.trim() === "")) return NaN;
  return parts.map(Number).reduce((a, b) => a / b);
}

/** Return a sentence on a wrong number that comes from no known mistake. */
function hint(value, answer, within) {
  const near = (factor) => Math.abs(value - factor * answer) <= Math.abs(factor) * within;
  if (near(-1)) return "The size is right; the sign is not.";
  const factor = [2, 3, 4, 10, 100].flatMap((k) => [k, 1 / k]).find(near);
  if (factor) return factor > 1 ? `This is ${factor} times the answer.` : `The answer is ${Math.round(1 / factor)} times this.`;
  if (Math.abs(value - answer) <= 5 * within) return "Nearly: compute with more digits.";
  return value > answer ? "This is too large." : "This is too small.";
}

for (const exercise of document.querySelectorAll(".exercise")) {
  const { answer, within } = exercise.dataset;
  const details = exercise.querySelector("details");
  const choices = exercise.querySelector(".exercise-choices");
  const status = element("div", { className: "exercise-status", role: "status" });
  status.setAttribute("role", "status");
  const title = exercise.querySelector(".exercise-title").id;

  const say = (isRight, text, from) => {
    exercise.dataset.state = isRight ? "right" : "wrong";
    const copy = from ? [...from.childNodes].map((node) => node.cloneNode(true)) : [];
    status.replaceChildren(element("strong", {}, text), " ", ...copy);
  };
  const right = () => say(true, "Right.", exercise.querySelector(".exercise-why"));

  function checkNumber(value) {
    if (Number.isNaN(value)) return say(false, "Enter a number, for example -0.25 or 1/3.");
    if (Math.abs(value - Number(answer)) <= Number(within)) return right();
    const mistakes = [...exercise.querySelectorAll("li[data-value]")];
    const known = mistakes.find((item) => Math.abs(value - Number(item.dataset.value)) <= Number(within));
    if (known) return say(false, "No.", known);
    return say(false, `No. ${hint(value, Number(answer), Number(within))}`);
  }

  function checkChoice(chosen) {
    if (!chosen) return say(false, "Choose one.");
    if (chosen.dataset.right !== undefined) return right();
    return say(false, "No.", exercise.querySelector(`li[data-choice="${chosen.value}"]`));
  }

  const check = element("button", { type: "submit" }, "Check");
  let form;
  if (choices) {
    const fields = element("fieldset", {});
    fields.setAttribute("aria-labelledby", title);
    [...choices.children].forEach((item, i) => {
      const radio = element("input", { type: "radio", name: title, value: String(i) });
      if (item.dataset.right !== undefined) radio.dataset.right = "";
      fields.append(element("label", {}, radio, element("span", {}, ...item.childNodes)));
    });
    form = element("form", {}, fields, check);
    choices.remove();
    form.addEventListener("submit", () => checkChoice(form.querySelector("input:checked")));
  } else {
    const input = element("input", { type: "text", inputMode: "text", autocomplete: "off", size: 10 });
    form = element("form", {}, element("label", {}, "Your answer: ", input), check);
    form.addEventListener("submit", () => checkNumber(number(input.value)));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.noValidate = true;
  details.before(form, status);
}
