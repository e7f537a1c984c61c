// Decodes HTJ2K frames with the decoder of Cornerstone (and so of OHIF), as a browser does: node decode.mjs FOLDER
// Every NAME.jphc in the folder becomes NAME.raw, the values as they stand in the decoder's memory, and NAME.json.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const codec = await createRequire(import.meta.url)('@cornerstonejs/codec-openjph')();
const decoder = new codec.HTJ2KDecoder();
const folder = process.argv[2];
for (const file of readdirSync(folder).filter((name) => name.endsWith('.jphc'))) {
  const encoded = readFileSync(join(folder, file));
  decoder.getEncodedBuffer(encoded.length).set(encoded);
  decoder.decode();
  const name = join(folder, file.slice(0, -'.jphc'.length));
  writeFileSync(`${name}.raw`, decoder.getDecodedBuffer());
  writeFileSync(`${name}.json`, JSON.stringify(decoder.getFrameInfo()));
}
