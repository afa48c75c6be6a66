// How the pages are built. Every page is an index.html in a folder of its own and is listed under
// `input`; its output goes to dist/<page>/, so the server hands out one folder per page.

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The API server that `npm run dev` talks to.
const API = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), latinFontsOnly()],
  worker: { format: "es" },
  build: {
    rolldownOptions: {
      input: { graphiql: "graphiql/index.html" },
      // React libraries are full of "use client" and the like, which mean nothing here.
      checks: { moduleLevelDirective: false },
    },
    assetsDir: "graphiql/assets",
    // Monaco, the editor, is one chunk of 2.8 MB; there is nothing to be warned of.
    chunkSizeWarningLimit: 4000,
  },
  // For `npm run dev` alone: what Monaco's worker imports that is not written as ES modules.
  optimizeDeps: {
    include: ["monaco-graphql > picomatch-browser", "monaco-graphql > graphql-language-service"],
  },
  server: {
    proxy: {
      "/graphql": { target: API, ws: true },
      "/graphiql/config.json": API,
    },
  },
});

/**
 * GraphiQL carries its fonts inside its style sheet, which is loaded before anything is shown: 390 kB.
 * This keeps the upright faces for Latin scripts; other letters come from the system's fonts.
 */
function latinFontsOnly(): Plugin {
  return {
    name: "latin-fonts-only",
    enforce: "pre",
    transform(code, id) {
      if (!/@graphiql\/react\/font\/.*\.css$/.test(id)) return null;
      const faces = code.match(/@font-face\s*{[^}]*}/g) ?? [];
      const isKept = (face: string) =>
        /unicode-range:\s*U\+0(000|100)-/.test(face) && !face.includes("italic");
      return { code: faces.filter(isKept).join("\n"), map: null };
    },
  };
}
