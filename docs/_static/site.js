// The search, which loads when it is asked for, and the choice of a version.

const button = () => document.querySelector(".site-search");

async function search() {
  const bundle = new URL(button().dataset.bundle, location.href).href;
  let modal = document.querySelector("pagefind-modal");
  if (!modal) {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${bundle}pagefind-component-ui.css` });
    const config = document.createElement("pagefind-config");
    config.setAttribute("bundle-path", bundle);
    modal = document.createElement("pagefind-modal");
    modal.setAttribute("reset-on-close", "");
    document.head.append(style);
    document.body.append(config, modal);
    await import(`${bundle}pagefind-component-ui.js`);
    await customElements.whenDefined("pagefind-modal");
  }
  modal.open();
}

// A page from a file must not read the index: there the link leads to Sphinx's own search.
const served = location.protocol !== "file:";
addEventListener("click", (event) => {
  if (!served || !event.target.closest(".site-search")) return;
  event.preventDefault();
  search();
});
addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (served) search();
  else location = button().href;
});

addEventListener("DOMContentLoaded", () => {
  const select = document.querySelector(".site-versions");
  const versions = globalThis.chainruleVersions;
  if (!select || !versions) return;
  const here = select.value;
  select.replaceChildren(...versions.map((version) => new Option(version, version, false, version === here)));
  select.hidden = false;
  select.addEventListener("change", () => {
    // The other version says whether it has this page: a script, since a page from a file may read nothing else.
    const root = new URL(`${select.dataset.root}${select.value}/`, location.href).href;
    const pages = Object.assign(document.createElement("script"), { src: `${root}pages.js` });
    const go = () => {
      const same = globalThis.chainrulePages?.includes(select.dataset.page);
      location = root + (same ? select.dataset.page : "index.html");
    };
    pages.addEventListener("load", go);
    pages.addEventListener("error", go);
    document.head.append(pages);
  });
});
