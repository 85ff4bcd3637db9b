// Bundles the storefront's script and style under names that hold a hash of their content.
import {defineConfig} from 'vite';

export default defineConfig({
  base: '/assets/',
  publicDir: false,
  build: {
    outDir: '../dist/storefront',
    emptyOutDir: true,
    target: 'es2020',
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    manifest: 'manifest.json',
    rollupOptions: {
      input: {storefront: new URL('src/main.ts', import.meta.url).pathname},
      output: {
        entryFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
  test: {environment: 'node', include: ['src/**/*.test.ts']},
});
