import { defineConfig } from "vitest/config";

/** One ES module: the styles are imported as text (`?inline`) and put under the element by `render`. */
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "blackboard.js" },
    target: "es2022",
    minify: "esbuild",
  },
  define: { "process.env.NODE_ENV": '"production"' },
  test: { include: ["tests/**/*.test.ts"] },
});
