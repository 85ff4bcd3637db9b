// Compresses what Vite built and writes it as C++, and refuses a script that grew too large.
//   node embed.mjs DIST OUTPUT.cpp
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';

// gzip, all scripts of a part together
const kMostScriptBytes = {storefront: 15 * 1024, console: 60 * 1024};

const [dist, output] = process.argv.slice(2);
const types = {js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml'};
const typeOf = (file) => types[file.split('.').pop()];

const literal = (bytes) => {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 24) {
    lines.push([...bytes.subarray(at, at + 24)].join(','));
  }
  return lines.join(',\n');
};

let arrays = '';
let rows = '';
let count = 0;
const paths = {};

function embed(part, file) {
  const i = count++;
  const type = typeOf(file);
  if (!type) throw new Error(`embed.mjs: no content type for ${file}`);
  const plain = readFileSync(join(dist, part, file));
  const gzip = gzipSync(plain, {level: 9});
  const brotli = brotliCompressSync(plain, {
    params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length},
  });
  paths[`${part} ${file.split('.').pop()}`] = `/assets/${file}`;
  for (const [name, bytes] of Object.entries({plain, gzip, brotli})) {
    arrays += `constexpr unsigned char k${name}${i}[] = {\n${literal(bytes)}};\n`;
  }
  rows += `    {"/assets/${file}", "${type}", text(kplain${i}), text(kgzip${i}), text(kbrotli${i})},\n`;
  console.log(`    ${file}: ${plain.length} bytes, gzip ${gzip.length}, brotli ${brotli.length}`);
  return file.endsWith('.js') ? gzip.length : 0;
}

for (const [part, most] of Object.entries(kMostScriptBytes)) {
  const manifest = JSON.parse(readFileSync(join(dist, part, 'manifest.json'), 'utf8'));
  const files = new Set();
  for (const entry of Object.values(manifest)) {
    for (const file of [entry.file, ...(entry.css ?? []), ...(entry.assets ?? [])]) files.add(file);
  }
  let script = 0;
  for (const file of [...files].sort()) script += embed(part, file);
  if (script > most) {
    throw new Error(`the scripts of ${part} have ${script} bytes after gzip; at most ${most}`);
  }
}

writeFileSync(output, `// Made by web/embed.mjs: the files of the pages, each in three codings.
#include "web/assets.h"

namespace sluice::web {

namespace {

${arrays}
template <std::size_t size>
std::string_view text(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::span<const Asset> assets() {
  static const Asset kAssets[] = {
${rows}  };
  return kAssets;
}
std::string_view script_path() {
  return "${paths['storefront js']}";
}
std::string_view style_path() {
  return "${paths['storefront css']}";
}
std::string_view mark_path() {
  return "${paths['storefront svg']}";
}

std::string_view console_script_path() {
  return "${paths['console js']}";
}
std::string_view console_style_path() {
  return "${paths['console css']}";
}

}  // namespace sluice::web
`);
