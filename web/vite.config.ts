// How the pages are built: the web client, and GraphiQL as a page of its own beside it. What they share
// comes out once, in dist/assets, under names that say the content.

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The API server that `npm run dev` talks to.
const API = process.env["API"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), latinFontsOnly()],
  worker: { format: "es" },
  build: {
    manifest: true,
    // From these on browsers know light-dark(), by which every color says what it is in either scheme.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    rolldownOptions: {
      input: { client: "index.html", graphiql: "graphiql/index.html" },
      // React libraries are full of "use client" and the like, which mean nothing here.
      checks: { moduleLevelDirective: false },
    },
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
      "/session": API,
      "/graphiql/config.json": API,
    },
  },
});

/**
 * Fonts come with faces for all scripts; GraphiQL carries its own inside its style sheet, which is loaded
 * before anything is shown: 390 kB. This keeps the upright faces for Latin scripts; other letters come
 * from the system's fonts.
 */
function latinFontsOnly(): Plugin {
  return {
    name: "latin-fonts-only",
    enforce: "pre",
    transform(code, id) {
      if (!/(@graphiql\/react\/font|@fontsource-variable)\/.*\.css$/.test(id)) return null;
      const faces = code.match(/@font-face\s*{[^}]*}/g) ?? [];
      const isKept = (face: string) =>
        /unicode-range:\s*U\+0(000|100)-/.test(face) && !face.includes("italic");
      return { code: faces.filter(isKept).join("\n"), map: null };
    },
  };
}
