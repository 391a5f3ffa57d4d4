/** Packs of a page: in its file, or in files of scripts beside it, which a page that was opened from a disk can read. */

const waiting = new Map<string, (content: string) => void>();

/** Return a pack; those that lie behind the program are there once the whole file is. */
export async function packOf(name: string): Promise<string> {
  const inside = () => document.getElementById(`pack-${name}`)?.textContent;
  if (!inside() && document.readyState === "loading")
    await new Promise((ready) => document.addEventListener("DOMContentLoaded", ready, { once: true }));
  return inside() ?? beside(name);
}

function beside(name: string): Promise<string> {
  Object.assign(globalThis, { blackboardPack: (key: string, content: string) => waiting.get(key)?.(content) });
  return new Promise((got, failed) => {
    waiting.set(name, got);
    const script = document.createElement("script");
    script.src = `packs/${name}.js`;
    script.onerror = () => failed(new Error(`the file packs/${name}.js is missing beside this page`));
    document.head.append(script);
  });
}
