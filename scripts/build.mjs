// @ts-check
import { prepare } from "./prepare.mjs";
import { main } from "./steps.mjs";

// Packages are the caller's: `npm ci && npm run build` gives bin/belay and dist/index.js.
await main(async () => {
  await prepare({ packages: false });
});
