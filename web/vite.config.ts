/** How the web page is built: into web/dist, from files of its own origin alone. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run dev:web` passes everything that is not the page on to a running `querent serve`. */
const server = process.env.QUERENT_SERVER ?? 'http://127.0.0.1:8000';
const api =
  '^/(generate|execute|explain|feedback|history|model|schema|examples|health|metrics|runs|reports|docs|openapi\\.json)';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  server: { proxy: { [api]: server } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // light-dark() stays as it is: every browser of the last two years knows it.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Inlined files would be data: addresses, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2_000,
  },
});
