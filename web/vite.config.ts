import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: { outDir: "../dist/web", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: false },
  logLevel: "warn",
});
