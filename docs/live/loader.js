// Starts the page's widgets when they come into view; until then, and without JavaScript, there is a picture.
const folder = new URL(".", document.currentScript.src);
globalThis.chainruleLive = {};

function start(figure) {
  const { live } = figure.dataset;
  const script = document.createElement("script");
  script.src = new URL(`${live}.js`, folder).href;
  script.onload = async () => {
    const stage = document.createElement("div");
    stage.className = "live-stage";
    const picture = figure.querySelector("img");
    picture.after(stage);
    try {
      await globalThis.chainruleLive[live](stage);
      picture.hidden = true;
      figure.dataset.started = "";
    } catch (error) {
      stage.replaceChildren(`This figure does not move here: ${error.message}`);
    }
  };
  document.head.append(script);
}

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    start(target);
  }
}, { rootMargin: "200px" });
for (const figure of document.querySelectorAll("figure[data-live]")) observer.observe(figure);
