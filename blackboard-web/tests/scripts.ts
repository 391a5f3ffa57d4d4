/** Elements of scripts run their text when they are put into the document: all that tests need of one. */
Object.assign(globalThis, {
  document: {
    querySelector: () => null,
    createElement: () => ({ remove: () => undefined }),
    head: { append: ({ textContent }: { textContent: string }) => (0, eval)(textContent) },
  },
});
