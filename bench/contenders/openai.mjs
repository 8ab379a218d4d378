// openai.mjs BASE_URL COUNT: the `openai` package of npm, run from a folder it is installed in. Prints how long the event
// loop stood still at most, in seconds.
import { monitorEventLoopDelay } from "node:perf_hooks";
import OpenAI from "openai";

const [url, count] = process.argv.slice(2);
const RESOLUTION = 1; // milliseconds: a tick of the watching timer, which a loop that is free takes too
const client = new OpenAI({ apiKey: "any", baseURL: url, maxRetries: 0 });
const watch = monitorEventLoopDelay({ resolution: RESOLUTION });
watch.enable();
for (let i = 0; i < Number(count); i++) {
  const result = await client.images.generate({
    model: "step-image-edit-2", prompt: "a lighthouse", response_format: "b64_json",
  });
  if (Buffer.from(result.data[0].b64_json, "base64").length === 0) throw new Error("no picture");
}
watch.disable();
console.log(Math.max(0, watch.max / 1e9 - RESOLUTION / 1e3).toFixed(6));
