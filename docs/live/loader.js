// Starts the page's widgets when they come into view; until then, and without JavaScript, there is a picture.
const folder = new URL(".", document.currentScript.src);
const begun = {};
globalThis.chainruleLive = {};

/** Load a script of this folder once; scripts run in the order in which they are asked for. */
const script = (name) => (begun[name] ??= new Promise((done, fail) => {
  const element = document.createElement("script");
  element.src = new URL(`${name}.js`, folder).href;
  element.async = false;
  element.onload = done;
  element.onerror = () => fail(new Error(`${name}.js did not load`));
  document.head.append(element);
}));

async function start(figure) {
  const { live } = figure.dataset;
  const stage = document.createElement("div");
  stage.className = "live-stage";
  const picture = figure.querySelector("img");
  picture.after(stage);
  try {
    await Promise.all([script("runtime"), script(live)]);
    await globalThis.chainruleLive[live](stage);
    picture.hidden = true;
    figure.dataset.started = "";
  } catch (error) {
    stage.replaceChildren(`This figure does not move here: ${error.message}`);
  }
}

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    start(target);
  }
}, { rootMargin: "200px" });
for (const figure of document.querySelectorAll("figure[data-live]")) observer.observe(figure);
