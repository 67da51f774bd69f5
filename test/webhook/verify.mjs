// Verifies webhooks with the reference library of Standard Webhooks. Standard input is
// {"messages":[{"secret","headers","body"}]}, standard output an array that says for each
// whether it is taken: true, or why not.
import { Webhook } from "standardwebhooks";

let text = "";
for await (const part of process.stdin) text += part;
const out = JSON.parse(text).messages.map(({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    return error.message;
  }
});
process.stdout.write(JSON.stringify(out));
