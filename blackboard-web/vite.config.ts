import { transformWithEsbuild } from "vite";
import { defineConfig } from "vitest/config";

const HAIRLINE = 3; // pixels: lines so thin stay as they are on every screen

/** Lengths of our styles in units of the page's own pixel (`--px`), which is larger on a projector: see `pixel.ts`. */
const scaled = {
  postcssPlugin: "scaled",
  Declaration(declaration: { value: string; source?: { input?: { file?: string } } }) {
    if (declaration.source?.input?.file?.includes("node_modules")) return;
    declaration.value = declaration.value.replace(/(-?\b\d*\.?\d+)px\b/g, (text, length) =>
      Math.abs(length) <= HAIRLINE ? text : `calc(${length} * var(--px))`,
    );
  },
};

/** One ES module: the styles are imported as text (`?inline`) and put under the element by `render`. */
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  css: { postcss: { plugins: [scaled] } },
  plugins: [
    {
      // Vite keeps the white space of libraries; this one goes into pages as it is.
      name: "small",
      apply: "build",
      async generateBundle(_options, bundle) {
        for (const chunk of Object.values(bundle))
          if (chunk.type === "chunk")
            chunk.code = (await transformWithEsbuild(chunk.code, chunk.fileName, { minify: true, sourcemap: false })).code;
      },
    },
  ],
  server: { fs: { allow: [".."] } },
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "blackboard.js" },
    target: "es2022",
    minify: false,
    cssMinify: true,
  },
  define: { "process.env.NODE_ENV": '"production"' },
  // Hosts in tests train by the clock; on a machine that does much else they take their time.
  test: { include: ["tests/**/*.test.ts"], setupFiles: "tests/scripts.ts", testTimeout: 30_000 },
});
