// Asks the server at BASE_URL for a picture in both formats, with the client that most people have, and prints what came
// as JSON. Run from a folder that the package is installed in.
import { createHash } from "node:crypto";
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "any", baseURL: process.env.BASE_URL, maxRetries: 0 });
const digest = (bytes) => createHash("md5").update(bytes).digest("hex");
const found = {};
for (const response_format of ["b64_json", "url"]) {
  const result = await client.images.generate({
    model: "step-image-edit-2", prompt: "a lighthouse", size: "768x1360", seed: 7, response_format,
  });
  const [image] = result.data;
  const bytes = response_format === "url"
    ? Buffer.from(await (await fetch(image.url)).arrayBuffer())
    : Buffer.from(image.b64_json, "base64");
  found[response_format] = { count: result.data.length, created: result.created, length: bytes.length, md5: digest(bytes) };
}
try {
  await client.images.generate({ model: "step-image-edit-2", prompt: "a lighthouse", steps: 51 });
} catch (error) {
  found.error = { status: error.status, type: error.type, message: error.message };
}
console.log(JSON.stringify(found));
