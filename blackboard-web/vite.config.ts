import { transformWithEsbuild } from "vite";
import { defineConfig } from "vitest/config";

/** One ES module: the styles are imported as text (`?inline`) and put under the element by `render`. */
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
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
  },
  define: { "process.env.NODE_ENV": '"production"' },
  // Hosts in tests train by the clock; on a machine that does much else they take their time.
  test: { include: ["tests/**/*.test.ts"], testTimeout: 30_000 },
});
