// Bundles the console's script and style under names that hold a hash of their content.
import {defineConfig} from 'vite';

export default defineConfig({
  base: '/assets/',
  publicDir: false,
  esbuild: {jsx: 'automatic', jsxImportSource: 'preact'},
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    target: 'es2020',
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    manifest: 'manifest.json',
    rollupOptions: {
      input: {console: new URL('src/main.tsx', import.meta.url).pathname},
      output: {
        entryFileNames: '[name]-[hash].js',
        assetFileNames: 'console-[hash][extname]',
      },
    },
  },
  test: {environment: 'node', include: ['src/**/*.test.ts']},
});
